package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// control calls the stand-in's control API.
type control struct {
	URL string `name:"url" env:"STANDIN_URL" help:"The stand-in's URL. Default: http://127.0.0.1:3002." placeholder:"URL"`
}

func (c *control) base() (string, error) {
	if c.URL == "" {
		return "http://127.0.0.1:3002", nil
	}
	u, err := url.Parse(c.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return "", fmt.Errorf("--url or STANDIN_URL is %q and must be an http URL, such as http://127.0.0.1:3002", c.URL)
	}
	return strings.TrimSuffix(strings.TrimRight(c.URL, "/"), "/v1"), nil // the Admin API's URL works, too: it is the same server
}

// call sends in as JSON, unless it is nil, and decodes the answer into out.
func (c *control) call(ctx context.Context, method, path string, in, out any) error {
	base, err := c.base()
	if err != nil {
		return err
	}
	var body []byte
	if in != nil {
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, base+"/_standin"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("no stand-in listens at %s: start one with `make run PLATFORM=stand-in` or `standin serve`, or set its URL with --url or STANDIN_URL", base)
	}
	if err != nil {
		return fmt.Errorf("call the stand-in: %w", err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("call the stand-in: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return refusal(base, res.Status, raw)
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("%s is not a stand-in: check --url or STANDIN_URL", base)
	}
	return nil
}

// refusal returns the stand-in's error about a request that it refused.
func refusal(base, status string, body []byte) error {
	var said struct {
		Error struct {
			Message string            `json:"message"`
			Details map[string]string `json:"details"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &said) != nil || said.Error.Message == "" {
		return fmt.Errorf("%s answered %s: is it a stand-in? Check --url or STANDIN_URL", base, status)
	}
	if id := said.Error.Details["id"]; id != "" {
		return fmt.Errorf("%s: %s", said.Error.Message, id)
	}
	return errors.New(said.Error.Message)
}
