// Package inbox is the second way in: events that Temporal could not take in time are made durable in a table of PostgreSQL
// first, and applied, or given to Temporal, from there. The receiver decides which way an event takes; this package writes and
// drains. The SQL is internal/store's.
package inbox
