// Package inbox is the second way in. Events that Temporal could not take in time are first made durable in a table of
// PostgreSQL, and from there applied or handed to Temporal. The receiver decides which way an event takes; this package writes
// and drains. The SQL is in internal/store.
package inbox
