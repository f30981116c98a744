package reconcile

import (
	"fmt"

	"inorder"
)

// Totals count what a reconciliation compared and repaired.
type Totals struct {
	Compared int `json:"compared"` // an order that is compared once more counts again

	// Orders that were repaired, by their drift.
	Missing   int `json:"missing"`
	Different int `json:"different"`
	Silent    int `json:"silent"`

	Unrepaired int      `json:"unrepaired"`      // orders that are still not as the platform has them
	Notes      []string `json:"notes,omitempty"` // why, of the first twenty
}

// maxNotes bounds what a workflow carries.
const maxNotes = 20

// Add adds o.
func (t *Totals) Add(o Totals) {
	t.Compared += o.Compared
	t.Missing += o.Missing
	t.Different += o.Different
	t.Silent += o.Silent
	t.Unrepaired += o.Unrepaired
	t.Notes = append(t.Notes, o.Notes...)
	t.Notes = t.Notes[:min(len(t.Notes), maxNotes)]
}

// Repaired returns how many orders were repaired.
func (t Totals) Repaired() int { return t.Missing + t.Different + t.Silent }

// ByDrift returns in words how many orders were repaired, by their drift.
func (t Totals) ByDrift() string {
	return fmt.Sprintf("%d missing, %d different, %d changed silently", t.Missing, t.Different, t.Silent)
}

// AddRepaired counts an order that was repaired.
func (t *Totals) AddRepaired(d inorder.Drift) {
	switch d {
	case inorder.DriftMissing:
		t.Missing++
	case inorder.DriftSilent:
		t.Silent++
	default:
		t.Different++
	}
}

// AddUnrepaired counts an order that was not repaired, and notes why.
func (t *Totals) AddUnrepaired(c Compared, why string) {
	name := c.Where
	if c.OrderID != "" {
		name = "order " + c.OrderID
	}
	t.Add(Totals{Unrepaired: 1, Notes: []string{Shortened(name + ": " + why)}})
}
