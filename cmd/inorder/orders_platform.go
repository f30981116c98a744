package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"inorder"
	"inorder/internal/api"
	"inorder/internal/platform"
	"inorder/internal/terminal"
)

// platformView is what the platform says about an order.
type platformView struct {
	Asked       bool         `json:"asked"`
	Why         string       `json:"why,omitempty"` // why it was not asked, or did not answer as it should
	Found       bool         `json:"found"`
	Differences []difference `json:"differences,omitempty"` // of the statuses and the total

	Status            string `json:"status,omitempty"`
	PaymentStatus     string `json:"payment_status,omitempty"`
	FulfillmentStatus string `json:"fulfillment_status,omitempty"`
	TotalAmount       *int64 `json:"total_amount,omitempty"`
	Currency          string `json:"currency,omitempty"`
}

// difference is an inorder.Difference.
type difference struct {
	What   string `json:"what"`
	Ours   string `json:"ours"`
	Theirs string `json:"theirs"`
}

// platformWithin is how long the platform may take to answer.
const platformWithin = 10 * time.Second

// askPlatform asks the platform for the order. If the platform does not answer, that is no error: everything else is shown.
func askPlatform(ctx context.Context, o operator, id string) (v platformView) {
	if o.PlatformKey == "" {
		v.Why = "HEADLESS_COMMERCE_API_KEY is not set"
		return v
	}
	client, err := platform.New(platform.Options{APIKey: o.PlatformKey, BaseURL: o.PlatformURL})
	if err != nil {
		v.Why = err.Error()
		return v
	}
	ctx, cancel := context.WithTimeout(ctx, platformWithin)
	defer cancel()
	v.Asked = true
	order, err := client.GetOrder(ctx, id)
	switch {
	case platform.IsNotFound(err):
		v.Why = "it does not know the order in " + string(client.Mode()) + " mode"
	case err != nil:
		v.Why = err.Error()
	default:
		v.read(order)
	}
	return v
}

// read reads the order as if an event had carried it.
func (v *platformView) read(o platform.Order) {
	e := inorder.Event{Type: inorder.TypeReconciled, Data: o.Raw, OccurredAt: time.Now()}
	change, err := e.Change()
	if err != nil {
		v.Why = "its answer cannot be read: " + err.Error()
		return
	}
	v.Found = true
	v.Status, v.PaymentStatus, v.FulfillmentStatus = change.Status, change.PaymentStatus, change.FulfillmentStatus
	if s := change.Snapshot; s != nil {
		v.TotalAmount, v.Currency = s.TotalAmount, s.Currency
	}
}

// compare fills in Differences. What the platform does not say is no difference.
func (v *platformView) compare(ours api.OrderView) {
	v.Differences = nil
	differ := func(what, our, their string) {
		if v.Found && their != "" && our != their {
			v.Differences = append(v.Differences, difference{what, cmp.Or(our, "not known"), their})
		}
	}
	differ("status", ours.Status, v.Status)
	differ("payment_status", ours.PaymentStatus, v.PaymentStatus)
	differ("fulfillment_status", ours.FulfillmentStatus, v.FulfillmentStatus)
	differ("total", moneyOf(ours.TotalAmount, ours.Currency), moneyOf(v.TotalAmount, v.Currency))
}

func (v platformView) write(to *terminal.Writer, id string) {
	switch {
	case !v.Asked:
		writeParagraph(to, "", "It was not asked: "+line(v.Why)+".")
		return
	case !v.Found:
		paintParagraph(to, terminal.Yellow, "", line(v.Why))
		return
	}
	writeFacts(to, []fact{{"status", v.Status}, {"payment", v.PaymentStatus}, {"fulfillment", v.FulfillmentStatus}, {"total", moneyOf(v.TotalAmount, v.Currency)}})
	if len(v.Differences) == 0 {
		to.Paint(terminal.Green, "Statuses and total are the same here.")
		fmt.Fprintln(to)
		return
	}
	for _, d := range v.Differences {
		paintParagraph(to, terminal.Red, "", line(inorder.Difference(d).String()))
	}
	fmt.Fprintf(to, "To compare the whole order, and repair it: inorder orders reconcile %s\n", quoted(id))
}
