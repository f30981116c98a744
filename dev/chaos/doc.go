// Package chaos tests that nothing is lost. It runs the built program on its own real servers, sends events to it as the
// platform would, disturbs every part and every connection on a schedule derived from a seed, and has a checker judge the result.
// This package does things to the system; what the result must be is the business of package check. It needs a Unix system.
package chaos
