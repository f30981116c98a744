// Package check judges a system after chaos. It shares no code with the application: it reads what the senders know, the tables,
// and for events in no table Temporal's list of running workflows.
package check
