// Package chaos proves that nothing is lost: it runs the built program on real servers of its own, sends it events as the
// platform would, hurts every part and every connection by a schedule that a seed decides, and has a checker judge what is left.
// Here belongs what happens to the system; what it must have become is check's. It needs a Unix system.
package chaos
