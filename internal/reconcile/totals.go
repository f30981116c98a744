package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"inorder"
)

// Totals count what a reconciliation compared and repaired.
type Totals struct {
	Compared int `json:"compared"` // an order that is compared twice counts twice

	// Orders that were repaired, by their drift.
	Missing   int `json:"missing"`
	Different int `json:"different"`
	Silent    int `json:"silent"`

	Unrepaired int      `json:"unrepaired"`      // orders that still differ from the platform's
	Notes      []string `json:"notes,omitempty"` // why, of the first twenty
}

// maxNotes bounds what a workflow carries.
const maxNotes = 20

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

// Preview is the result that a reconciliation would have now.
type Preview struct {
	Totals           // as if each order that can be repaired were repaired; an order counts once
	Stopped []string // why not all orders were compared
}

// Preview compares the named orders or, if none is named, the same orders as the workflow ReconcileOrders. It calls
// drifted once for each order that differs or could not be compared. An error is one that the workflow would retry.
func (c Comparer) Preview(ctx context.Context, named []string, since time.Time, drifted func(Compared)) (p Preview, err error) {
	seen := map[string]bool{} // an order may be in several pages, because orders change while they are listed
	add := func(o Compared) {
		name := cmp.Or(o.OrderID, o.Where)
		if seen[name] {
			return
		}
		seen[name] = true
		p.Compared++
		if !o.Drifted() {
			return
		}
		drifted(o)
		if why := o.WhyUnrepaired(); why != "" {
			p.AddUnrepaired(o, why)
		} else {
			p.AddRepaired(o.Drift)
		}
	}
	if len(named) == 0 {
		for at := (&Cursor{}); at != nil; {
			page, err := c.Page(ctx, since, *at)
			if err != nil {
				return p, err
			}
			for _, o := range page.Orders {
				add(o)
			}
			p.stop(page.Stopped)
			at = page.Next
		}
		var stopped string
		if named, stopped, err = c.OpenHereAlone(ctx, since); err != nil {
			return p, err
		}
		p.stop(stopped)
	}
	for _, id := range named {
		o, err := c.Order(ctx, id)
		if err != nil {
			return p, err
		}
		add(o)
	}
	return p, nil
}

func (p *Preview) stop(why string) {
	if why != "" {
		p.Stopped = append(p.Stopped, why)
	}
}

// Metrics are what reconciliation counts. A repair that is not "silent" means that a webhook was lost: deploy/alerts.yml.
type Metrics struct {
	repairs     *prometheus.CounterVec
	compared    prometheus.Counter
	lastSuccess *prometheus.GaugeVec // a vector, so that it exists only after Expect or Succeeded
}

// NewMetrics registers the metrics. With nil they are counted, but shown nowhere.
func NewMetrics(r prometheus.Registerer) *Metrics {
	f := promauto.With(r)
	m := &Metrics{
		repairs: f.NewCounterVec(prometheus.CounterOpts{
			Name: "inorder_reconcile_repairs_total",
			Help: "Orders repaired from the platform's API, by drift: missing, different, or silent (a change that has no event). " +
				"Counted when the repair is committed.",
		}, []string{"found"}),
		compared: f.NewCounter(prometheus.CounterOpts{
			Name: "inorder_reconcile_orders_compared_total",
			Help: "Orders compared with the platform's. An order that differs is compared twice, and counts twice.",
		}),
		lastSuccess: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "inorder_reconcile_last_success_timestamp_seconds",
			Help: "When this process last finished comparing the orders; 0 if it has not since it started. Exists only with an API key.",
		}, nil),
	}
	for _, d := range []inorder.Drift{inorder.DriftMissing, inorder.DriftDifferent, inorder.DriftSilent} {
		m.repairs.WithLabelValues(string(d)) // so that the first increase shows
	}
	return m
}

func (m *Metrics) Repaired(d inorder.Drift) { m.repairs.WithLabelValues(string(d)).Inc() }

// Expect shows that this process is to reconcile, though it has not succeeded yet. Without it, a worker that never
// finishes a reconciliation looks like a worker without a platform.
func (m *Metrics) Expect() { m.lastSuccess.WithLabelValues() }

// Succeeded notes that a reconciliation of all orders has just ended.
func (m *Metrics) Succeeded() { m.lastSuccess.WithLabelValues().SetToCurrentTime() }
