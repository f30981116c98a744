package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"inorder"
	"inorder/internal/config"
	"inorder/internal/sample"
	"inorder/receiver"
)

type sendCmd struct {
	Type string `arg:"" optional:"" help:"Type of the event, such as order.created."`

	Order        string `help:"Order that it is about. Default: a new one."`
	ID           string `name:"id" help:"ID of the event. Default: a new one."`
	At           string `help:"When it happened: RFC 3339, or relative to now such as -5m. Default: now."`
	File         string `type:"existingfile" help:"Send this file's bytes as they are, instead of a made-up event."`
	Story        string `help:"Post a small history and show what became of it: ${stories}."`
	Repeat       int    `default:"1" help:"Send this many, each a new event of a new order unless --id or --order says otherwise."`
	Concurrency  int    `default:"8" help:"Of --repeat: how many at once."`
	BadSignature bool   `help:"Sign with a wrong secret, to see it refused."`
	URL          string `name:"url" env:"RECEIVER_URL" default:"http://127.0.0.1:3000" help:"Where the receiver is."`
}

func (sendCmd) Help() string {
	return "Examples:\n  inorder send order.created --order order_1001\n  inorder send order.paid --order order_1001 --at -5m\n" +
		"  inorder send --file event.json\n  inorder send --story out-of-order\n\n" +
		"Types: " + strings.Join(sample.Types, ", ") + ", or any other.\n\n" +
		"Settings: WEBHOOK_SECRETS (needed; the first one signs), RECEIVER_URL, and DATABASE_URL to show what became of a story."
}

func (s sendCmd) Run(ctx context.Context) error {
	cfg, err := config.Load(config.NeedSecrets)
	if err != nil {
		return err
	}
	to := sender{url: strings.TrimSuffix(s.URL, "/") + receiver.WebhookPath, secret: cfg.WebhookSecrets[0], client: &http.Client{Timeout: 35 * time.Second}}
	if s.BadSignature {
		to.secret = "not the secret " + to.secret
	}
	at, err := parseAt(s.At, time.Now())
	if err != nil {
		return err
	}
	switch {
	case s.Story != "":
		return tellStory(ctx, os.Stdout, to, cfg.Pool, s.Story, s.Order)
	case s.File != "":
		body, err := os.ReadFile(s.File)
		if err != nil {
			return err
		}
		return s.one(ctx, to, body)
	case s.Type == "":
		return errors.New("what to send? Name a type such as order.created, a --file or a --story; see `inorder send --help`")
	case s.Repeat > 1:
		return s.many(ctx, to, at)
	}
	return s.one(ctx, to, s.event(at))
}

func (s sendCmd) event(at time.Time) []byte {
	o := sample.Options{ID: s.ID, Type: s.Type, OrderID: s.Order, At: at}
	if o.OrderID == "" {
		o.OrderID = sample.NewID("order_")
	}
	return sample.Event(o)
}

func (s sendCmd) one(ctx context.Context, to sender, body []byte) error {
	a, err := to.post(ctx, body)
	if err != nil {
		return err
	}
	e, _ := inorder.ParseEvent(body)
	fmt.Printf("%s  %s  order %s  -> %s\n", e.ID, e.Type, e.OrderID(), a)
	return s.judge(a)
}

// judge turns an answer that was not to be expected into an error.
func (s sendCmd) judge(a answer) error {
	if s.BadSignature {
		if a.status == http.StatusUnauthorized {
			return nil
		}
		return fmt.Errorf("a wrong signature was answered %s, not 401", a)
	}
	if a.status/100 != 2 {
		return fmt.Errorf("refused: %s", a)
	}
	return nil
}

// many sends s.Repeat events and counts the answers.
func (s sendCmd) many(ctx context.Context, to sender, at time.Time) error {
	var (
		next, sent atomic.Int64
		mu         sync.Mutex
		answers    = map[string]int{}
		failure    error
		wg         sync.WaitGroup
	)
	for range min(s.Concurrency, s.Repeat) {
		wg.Go(func() {
			for next.Add(1) <= int64(s.Repeat) && ctx.Err() == nil {
				a, err := to.post(ctx, s.event(at))
				if err == nil {
					err = s.judge(a)
				}
				mu.Lock()
				answers[a.String()]++
				failure = errors.Join(failure, firstOnly(failure, err))
				mu.Unlock()
				sent.Add(1)
			}
		})
	}
	finished := make(chan struct{})
	go func() { wg.Wait(); close(finished) }()
	for tick := time.NewTicker(time.Second); ; {
		select {
		case <-tick.C:
			fmt.Fprintf(os.Stderr, "%d of %d sent\n", sent.Load(), s.Repeat)
			continue
		case <-finished:
		}
		break
	}
	for a, n := range answers {
		fmt.Printf("%6d  %s\n", n, a)
	}
	return failure
}

func firstOnly(have, err error) error {
	if have != nil {
		return nil
	}
	return err
}

// parseAt reads a time, or a duration before (-5m) or after now.
func parseAt(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return now, nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		return now.Add(d), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("--at %q is neither an RFC 3339 time such as 2026-01-15T10:30:00Z nor a duration such as -5m", text)
	}
	return t, nil
}

// sender posts signed bodies.
type sender struct {
	url, secret string
	client      *http.Client
}

type answer struct {
	status int
	result string // of Inorder-Result
	body   string
}

func (a answer) String() string {
	if a.result != "" {
		return fmt.Sprintf("%d %s", a.status, a.result)
	}
	return fmt.Sprintf("%d %s", a.status, a.body)
}

// post sends one delivery. The event's ID is its Idempotency-Key: sending it again has no second effect.
func (s sender) post(ctx context.Context, body []byte) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(receiver.SignatureHeader, receiver.Sign(s.secret, body))
	if e, err := inorder.ParseEvent(body); err == nil {
		req.Header.Set("Idempotency-Key", e.ID)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return answer{}, fmt.Errorf("%w (is the receiver running? RECEIVER_URL or --url says where)", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	return answer{resp.StatusCode, resp.Header.Get(receiver.ResultHeader), strings.TrimSpace(string(text))}, err
}
