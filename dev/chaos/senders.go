package chaos

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"time"

	"inorder/internal/delivery"
)

const (
	secret = "whsec_chaos"
	token  = "token_of_the_chaos_operator"
)

// Attempt is one request of a sender, with its answer.
type Attempt struct {
	At     time.Time `json:"at"`
	Event  string    `json:"event"`
	Nth    int       `json:"nth"` // number within its delivery, from 1
	To     string    `json:"to"`
	Status int       `json:"status,omitempty"` // 0: no answer
	Result string    `json:"result,omitempty"`
	Error  string    `json:"error,omitempty"`
}

// sending delivers events as the platform does, but retries each delivery until it is answered 2xx.
type sending struct {
	seed   uint64
	urls   map[string]string // of the receivers, by name
	names  []string
	client *http.Client
	quiet  *sync.RWMutex // each request holds it for reading
	all    sync.WaitGroup
	atOnce chan struct{} // limits concurrent requests

	mu       sync.Mutex
	file     *os.File
	log      *bufio.Writer
	attempts []Attempt
	sent     int // deliveries
}

func newSending(seed uint64, urls map[string]string, names []string, logFile string, quiet *sync.RWMutex) (*sending, error) {
	f, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	return &sending{seed: seed, urls: urls, names: names, quiet: quiet, file: f, log: bufio.NewWriter(f), atOnce: make(chan struct{}, 128),
		client: &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 128}}}, nil
}

// send starts the wave's deliveries at its pace, and returns when all have started.
func (s *sending) send(ctx context.Context, w wave) {
	for _, e := range w.deliveries {
		s.mu.Lock()
		s.sent++
		rnd := rand.New(rand.NewPCG(s.seed, uint64(s.sent)<<8|4))
		s.mu.Unlock()
		s.all.Go(func() { s.deliver(ctx, e, rnd) })
		if w.every > 0 {
			pause(ctx, w.every)
		}
	}
}

// deliver retries until the delivery is acknowledged or ctx ends.
func (s *sending) deliver(ctx context.Context, e *event, rnd *rand.Rand) {
	for nth := 1; ctx.Err() == nil; nth++ {
		if s.attempt(ctx, e, nth, pick(rnd, s.names...)) {
			return
		}
		longest := min(200*time.Millisecond<<min(nth, 5), 3*time.Second)
		pause(ctx, longest/2+time.Duration(rnd.Int64N(int64(longest))))
	}
}

func (s *sending) attempt(ctx context.Context, e *event, nth int, to string) (acknowledged bool) {
	s.atOnce <- struct{}{}
	defer func() { <-s.atOnce }()
	s.quiet.RLock()
	defer s.quiet.RUnlock()
	a := Attempt{At: time.Now(), Event: e.id, Nth: nth, To: to}
	var err error
	if a.Status, a.Result, err = s.post(ctx, s.urls[to], e.body); err != nil {
		a.Error = err.Error()
	}
	s.record(a)
	return a.acknowledged()
}

func (a Attempt) acknowledged() bool { return a.Status >= 200 && a.Status < 300 }

func (s *sending) post(ctx context.Context, url string, body []byte) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+delivery.Path, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set(delivery.SignatureHeader, delivery.Sign(secret, body))
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s", bytes.TrimSpace(text))
	}
	return resp.StatusCode, resp.Header.Get(delivery.ResultHeader), err
}

func (s *sending) record(a Attempt) {
	line, _ := json.Marshal(a) // can't fail
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attempts = append(s.attempts, a)
	_, _ = s.log.Write(append(line, '\n'))
}

// acknowledged returns the IDs of the events that were answered 2xx at least once.
func (s *sending) acknowledged() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := map[string]bool{}
	for _, a := range s.attempts {
		if a.acknowledged() {
			ids[a.Event] = true
		}
	}
	return ids
}

// refused describes the answers that a well-behaved sender must never get: all but 2xx and 503.
func (s *sending) refused() (wrong []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.attempts {
		if a.Status != 0 && !a.acknowledged() && a.Status != http.StatusServiceUnavailable {
			wrong = append(wrong, fmt.Sprintf("%s: expected 2xx or 503, was answered %d by %s: %s", a.Event, a.Status, a.To, a.Error))
		}
	}
	return wrong
}

func (s *sending) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client.CloseIdleConnections()
	if err := s.log.Flush(); err != nil {
		return err
	}
	return s.file.Close()
}

// pause sleeps for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
