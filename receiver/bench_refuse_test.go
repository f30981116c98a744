package receiver

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"inorder/internal/delivery"
	"inorder/internal/loglimit"
	"inorder/internal/refused"
)

// away is a PostgreSQL that doesn't answer.
type away struct{}

func (away) Exec(context.Context, string, ...any) (tag pgconn.CommandTag, err error) {
	return tag, errors.New("away")
}

// BenchmarkRefuse measures a flood of wrong signatures: without a keeper, with one behind a proxy, and with a full one, as in a real flood.
func BenchmarkRefuse(b *testing.B) {
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	trusted := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/8")}
	for name, change := range map[string]func(*Options){
		"without": func(*Options) {},
		"kept": func(o *Options) {
			k := refused.New(refused.Options{Secrets: func() refused.Secrets { return refused.Secrets{} }, Table: refused.Table{DB: away{}}, Log: loglimit.New(quiet, loglimit.Every)})
			go k.Run(b.Context())
			o.Refused, o.TrustedProxies = k, trusted
		},
		"full": func(o *Options) {
			o.Refused = refused.New(refused.Options{Log: loglimit.New(quiet, loglimit.Every)}) // nobody empties its queue
		},
	} {
		b.Run(name, func(b *testing.B) {
			r, _ := newTest(b, noStarter{}, func(o *Options) { o.Log = quiet; change(o) })
			body, stream := []byte(vectorBody), bytes.NewReader(nil)
			handler, ctx := r.app.Handler(), request(body)
			ctx.Request.Header.Set(delivery.SignatureHeader, delivery.Sign("whsec_wrong", body))
			b.ReportAllocs()
			for b.Loop() {
				ctx.Response.Reset()
				stream.Reset(body)
				ctx.Request.SetBodyStream(stream, len(body))
				handler(ctx)
			}
			if ctx.Response.StatusCode() != 401 {
				b.Fatalf("status %d", ctx.Response.StatusCode())
			}
		})
	}
}
