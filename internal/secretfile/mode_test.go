package secretfile

import (
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhoMayReadTheFile(t *testing.T) {
	const ours, roots = 1000, 0
	for _, tc := range []struct {
		who      string
		owner    uint32
		readOnly bool
		fine     []fs.FileMode
		refused  []fs.FileMode
	}{
		{"a file of ours", ours, false, []fs.FileMode{0o600, 0o400, 0o700}, []fs.FileMode{0o440, 0o640, 0o444, 0o644, 0o620, 0o602, 0o604, 0o666}},
		{"a file of root", roots, false, []fs.FileMode{0o600, 0o400, 0o440, 0o640}, []fs.FileMode{0o444, 0o644, 0o660, 0o650, 0o642}},
		{"Kubernetes' and Swarm's", roots, true, []fs.FileMode{0o400, 0o440, 0o640, 0o444, 0o644, 0o555}, []fs.FileMode{0o664, 0o666, 0o460, 0o446}},
		{"one that is mounted from a host", ours, true, []fs.FileMode{0o600, 0o640, 0o444, 0o644}, []fs.FileMode{0o664, 0o777}},
	} {
		for _, mode := range tc.fine {
			require.NoError(t, CheckMode(mode, tc.owner, tc.readOnly), "%s: %o", tc.who, mode)
		}
		for _, mode := range tc.refused {
			require.ErrorContains(t, CheckMode(mode, tc.owner, tc.readOnly), fmt.Sprintf("mode %03o", mode), tc.who)
		}
	}
	require.ErrorContains(t, CheckMode(0o644, ours, false), "run chmod 600")
	require.ErrorContains(t, CheckMode(0o644, roots, false), "run chmod 640")
}
