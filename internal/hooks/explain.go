package hooks

import (
	"context"
	"fmt"

	"inorder/internal/endpoints"
	"inorder/internal/platform"
)

// recorded finds our record of a webhook; nil if there is none. A record of the other mode is an error, because the
// platform would only say that there is no such webhook.
func (r Registrar) recorded(ctx context.Context, id string) (*endpoints.Endpoint, error) {
	list, err := r.Store.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		if e.ID == id && e.Mode != r.Platform.Mode() {
			return nil, fmt.Errorf("webhook %s is of %s mode, and HEADLESS_COMMERCE_API_KEY is a %s-mode key: use a sk_%s_… key",
				id, e.Mode, r.Platform.Mode(), e.Mode)
		}
		if e.ID == id {
			return &e, nil
		}
	}
	return nil, nil
}

// explain says what a webhook that is not found means.
func (r Registrar) explain(id string, record *endpoints.Endpoint, err error) error {
	switch {
	case !platform.IsNotFound(err):
		return err
	case record != nil:
		return fmt.Errorf("webhook %s was deleted on the platform by somebody else: `inorder hooks delete %[1]s` forgets it here, "+
			"`inorder hooks register %s` registers it anew (%w)", id, record.URL, err)
	}
	return fmt.Errorf("there is no webhook %s in %s mode: `inorder hooks list` shows those there are; is it of the other mode's key? (%w)",
		id, r.Platform.Mode(), err)
}
