// Package check judges a system after a chaos run. It shares no code with the application but the domain's types. It reads what
// the senders know, the tables, and, for events that are in no table, Temporal's list of running workflows.
package check
