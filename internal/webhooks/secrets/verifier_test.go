package secrets_test

import (
	"inorder/internal/webhooks/secrets"
	"inorder/receiver"
)

var _ receiver.Verifier = (*secrets.Keyring)(nil)
