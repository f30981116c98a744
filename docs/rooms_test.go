package docs

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
)

const module = "inorder"

// layers are the rooms of the product. A room imports only rooms of earlier layers; the rooms below internal/ also import each other.
var layers = [][]string{{module}, {"internal", "migrations"}, {"activities"}, {"workflows"}, {"receiver", "worker"}, {"cmd"}}

const lower = 1 // the layer whose rooms import each other

// tools are the folders that production never links.
var tools = []string{"dev", "e2e", "conformance", "docs"}

func TestImportsGoOneWay(t *testing.T) {
	for room, imports := range rooms(t) {
		from := layerOf(room)
		if from < 0 {
			require.True(t, isIn(room, tools...), "%s is a new room: docs/rooms_test.go must say in which layer it is", room)
			continue
		}
		for _, other := range imports {
			if !isIn(other, module) {
				continue
			}
			other = shortened(other)
			require.False(t, isIn(other, tools...), "%s is part of the product and imports %s, which is for development", room, other)
			to := layerOf(other)
			require.True(t, to < from || to == from && from == lower,
				"%s imports %s; imports go one way: cmd -> receiver, worker -> workflows -> activities -> internal/... -> the domain", room, other)
		}
	}
}

func TestTheDomainAndTheContractOfADeliveryNeedTheStandardLibraryOnly(t *testing.T) {
	all := rooms(t)
	for _, room := range []string{module, "internal/delivery"} {
		require.NotEmpty(t, all[room], "%s is gone", room)
		for _, other := range all[room] {
			domain, _, _ := strings.Cut(other, "/")
			require.False(t, strings.Contains(domain, ".") || isIn(other, module), "%s imports %s, and may import the standard library only", room, other)
		}
	}
}

// rooms returns the imports of each of our packages, without its tests' imports. The domain goes by the name of the module.
func rooms(t *testing.T) map[string][]string {
	list := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	list.Dir = testenv.Root()
	out, err := list.Output()
	require.NoError(t, err)
	all := map[string][]string{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&p); err == io.EOF {
			break
		} else {
			require.NoError(t, err)
		}
		all[shortened(p.ImportPath)] = p.Imports
	}
	require.Greater(t, len(all), 25)
	return all
}

func shortened(path string) string { return strings.TrimPrefix(path, module+"/") }

// isIn reports whether the path is one of the folders, or is inside one.
func isIn(path string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return path == f || strings.HasPrefix(path, f+"/") })
}

func layerOf(room string) int {
	return slices.IndexFunc(layers, func(folders []string) bool { return isIn(room, folders...) })
}
