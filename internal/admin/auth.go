package admin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"inorder/internal/api"
	"inorder/internal/operate"
	"inorder/internal/store"
)

// authorized passes on requests with a valid token. It refuses a read-only token's request to change something.
func (a *API) authorized(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, refusal := a.whoIs(r.Header)
		switch {
		case refusal != nil:
			w.Header().Set("WWW-Authenticate", `Bearer realm="inorder"`)
			write(w, refusal)
		case who.readOnly && !mayOnlyRead(r):
			write(w, a.forbidden(who))
		default:
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), actorKey{}, who)))
		}
	})
}

// mayOnlyRead reports whether a request may turn out to change nothing. A bulk request may: its body says whether it is a dry run, which any
// token may ask for.
func mayOnlyRead(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodPost && r.URL.Path == api.BulksPath
}

func (a *API) forbidden(who actor) *api.Problem {
	a.limited.Log(slog.LevelWarn, "api read-only", "a request to change something was refused, because its token is read-only", "actor", who.name)
	return newProblem(http.StatusForbidden, api.ProblemForbidden, "this token is read-only: it may see everything and change nothing; nothing was done")
}

// whoIs returns the actor whose token the request has, or why the request is refused.
func (a *API) whoIs(h http.Header) (actor, *api.Problem) {
	values := h.Values("Authorization")
	scheme, given, _ := strings.Cut(strings.Join(values, ","), " ")
	given = strings.Trim(given, " ")
	reason := ""
	switch who, found := a.tokens.find(given); {
	case !a.tokens.any():
		reason = "nobody has access: at the server, neither ADMIN_TOKEN nor ADMIN_TOKENS_FILE has a token"
	case len(values) == 0:
		reason = "the request has no token: send the header Authorization: Bearer <token>"
	case !strings.EqualFold(scheme, "Bearer") || len(values) > 1:
		reason = "send the header Authorization exactly once, as Bearer <token>"
	case !found:
		reason = "the token is not valid"
	default:
		return who, nil
	}
	a.limited.Log(slog.LevelWarn, "api "+reason, "a request to the admin API was refused", "why", reason)
	return actor{}, newProblem(http.StatusUnauthorized, api.ProblemUnauthorized, reason)
}

type (
	actorKey struct{}
	claimKey struct{}
)

// actorOf returns who sent the request.
func actorOf(ctx context.Context) actor {
	who, _ := ctx.Value(actorKey{}).(actor)
	return who
}

// actOf returns the act that a request asks for. With an Idempotency-Key the act has an ID, which stays the same if the request is tried
// again after a crash, so that the act is recorded once.
func actOf(ctx context.Context, reason string) operate.Act {
	act := operate.Act{Actor: actorOf(ctx).name, Reason: reason}
	if c, ok := ctx.Value(claimKey{}).(store.KeyClaim); ok {
		sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %s", c.Actor, c.Key, c.Since.UTC().Format(time.RFC3339Nano)))
		act.ID = "api-" + hex.EncodeToString(sum[:16])
	}
	return act
}
