package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/internal/api"
)

// The test follows the document literally: three wrong signatures are explained. Secrets and parts of a body appear nowhere.
func TestThreeWrongSignaturesAreExplained(t *testing.T) {
	t.Parallel()
	blocks := recipes(t, "refused")
	require.Len(t, blocks, 6)
	old := filepath.Join(t.TempDir(), "secrets")
	require.NoError(t, os.WriteFile(old, []byte("whsec_before_the_last_rotation 2026-01-01T00:00:00Z\n"), 0o600))
	s := newOperated(t, "WEBHOOK_SECRETS_FILE="+old)
	for i, title := range []string{"it is signed already", "A sender writes", "And one still"} {
		require.True(t, strings.HasPrefix(blocks[i].title, title), blocks[i].title)
		require.Equal(t, "Invalid signature", s.follow(blocks[i]))
	}
	require.EventuallyWithT(t, func(c *assert.CollectT) { assert.Len(c, s.refusals(), 3) }, testenv.Patience, testenv.Patience/100)
	list := s.follow(blocks[3])
	for id, why := range map[string]string{
		"evt_rewritten": "the JSON was rewritten",
		"evt_capitals":  "hex in upper case",
		"evt_rotated":   "ended at 2026-01-01T00:00:00Z",
	} {
		require.Regexp(t, `ours +127\.0\.0\.1 +`+id, list)
		require.Contains(t, list, why)
	}
	shown := s.follow(blocks[4])
	require.Contains(t, shown, "What to do: ")
	require.Contains(t, shown, "answered 401")

	other := strings.Join(strings.Fields(s.follow(blocks[5])), " ")
	require.Contains(t, other, "of line 1 of /")
	require.Contains(t, other, "made the signature, but receivers with these settings do not verify with it.")

	all, err := json.Marshal(s.refusals())
	require.NoError(t, err)
	for _, canary := range []string{secret, "before_the_last", "of_another", "pending"} {
		require.NotContains(t, list+shown+other+string(all)+s.log(), canary)
	}
	require.Equal(t, 3, s.count(`SELECT count(*) FROM refused_deliveries WHERE reason = 'bad_signature' AND evidence = 'secret'`))
	require.Contains(t, s.operate(1, "refused show 999999"), "inorder refused list")
	require.Contains(t, s.operate(0, "refused list --reason bad_event"), "No refused deliveries match.")
}

// refusals returns the samples that `refused list` lists, or none if the command fails.
func (s *system) refusals() []api.Refused {
	cmd := exec.Command(program, strings.Fields("refused list --json")...)
	cmd.Env = s.env
	out, err := cmd.Output()
	var page api.Page[api.Refused]
	if err != nil || json.Unmarshal(out, &page) != nil {
		return nil
	}
	return page.Data
}
