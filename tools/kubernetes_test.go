package tools

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	split "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// manifests are the objects that deploy/kubernetes defines.
type manifests struct {
	config   core.ConfigMap
	serve    apps.Deployment
	migrate  batch.Job
	service  core.Service
	budget   policy.PodDisruptionBudget
	ingress  networking.Ingress
	policies []networking.NetworkPolicy
}

// kubernetes decodes every document of deploy/kubernetes with Kubernetes' own types, strictly: an unknown or duplicate
// field fails the test.
func kubernetes(t *testing.T) (m manifests) {
	t.Helper()
	files, err := filepath.Glob("../deploy/kubernetes/*")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for documents := split.NewYAMLReader(bufio.NewReader(bytes.NewReader(text))); ; {
			document, err := documents.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err, file)
			m.decode(t, file, document)
		}
	}
	return m
}

func (m *manifests) decode(t *testing.T, file string, document []byte) {
	t.Helper()
	var kind meta.TypeMeta
	require.NoError(t, yaml.Unmarshal(document, &kind), file)
	into := map[string]any{
		"v1 ConfigMap": &m.config, "v1 Service": &m.service, "apps/v1 Deployment": &m.serve, "batch/v1 Job": &m.migrate,
		"policy/v1 PodDisruptionBudget": &m.budget, "networking.k8s.io/v1 Ingress": &m.ingress,
		"networking.k8s.io/v1 NetworkPolicy": &networking.NetworkPolicy{},
	}[kind.APIVersion+" "+kind.Kind]
	require.NotNil(t, into, "%s: nothing checks a %s %s", file, kind.APIVersion, kind.Kind)
	require.NoError(t, yaml.UnmarshalStrict(document, into), file)
	if p, ok := into.(*networking.NetworkPolicy); ok {
		m.policies = append(m.policies, *p)
	}
}

// pods returns the pod templates, by the command that they run.
func (m *manifests) pods() map[string]core.PodTemplateSpec {
	return map[string]core.PodTemplateSpec{"serve": m.serve.Spec.Template, "migrate": m.migrate.Spec.Template}
}

func TestManifestsFitEachOther(t *testing.T) {
	m := kubernetes(t)
	pod := labels.Set(m.serve.Spec.Template.Labels)
	for name, selector := range map[string]*meta.LabelSelector{"Deployment": m.serve.Spec.Selector, "PodDisruptionBudget": m.budget.Spec.Selector,
		"Service": {MatchLabels: m.service.Spec.Selector}, "spread": m.serve.Spec.Template.Spec.TopologySpreadConstraints[0].LabelSelector} {
		s, err := meta.LabelSelectorAsSelector(selector)
		require.NoError(t, err)
		require.True(t, s.Matches(pod), name)
		require.False(t, s.Matches(labels.Set(m.migrate.Spec.Template.Labels)), "%s: a Job takes no deliveries", name)
	}
	for command, template := range m.pods() {
		c := template.Spec.Containers[0]
		require.Equal(t, command, c.Args[0])
		require.Equal(t, m.serve.Spec.Template.Spec.Containers[0].Image, c.Image)
		require.Equal(t, m.config.Name, c.EnvFrom[0].ConfigMapRef.Name)
	}
	require.Equal(t, "inorder", m.serve.Spec.Template.Spec.Volumes[0].Secret.SecretName)
	job := m.migrate.Spec.Template.Spec
	require.Equal(t, "inorder-owner", job.Volumes[0].Secret.SecretName, "only migrate has the owner's password")
	require.Equal(t, []string{"migrate", "--grant", "inorder"}, job.Containers[0].Args)
	require.Equal(t, strings.Replace(m.config.Data["DATABASE_URL"], "inorder@", "inorder_owner@", 1), job.Containers[0].Env[0].Value)
	readme, err := os.ReadFile("../deploy/README.md")
	require.NoError(t, err)
	require.Contains(t, string(readme), "kubectl create secret generic inorder ")
	require.Contains(t, string(readme), "kubectl delete job "+m.migrate.Name+" ")
	require.Contains(t, string(readme), "job/"+m.migrate.Name+"\n")
}

// Every variable that the manifests set is a setting of the program, of its clients' libraries, or of Go.
func TestManifestsSetWhatTheProgramReads(t *testing.T) {
	m := kubernetes(t)
	for name := range m.config.Data {
		requireSetting(t, name)
	}
	for _, template := range m.pods() {
		for _, variable := range template.Spec.Containers[0].Env {
			requireSetting(t, variable.Name)
		}
		mount := template.Spec.Containers[0].VolumeMounts[0]
		require.True(t, mount.ReadOnly)
		for name, value := range m.config.Data {
			if strings.HasSuffix(name, "FILE") {
				require.Equal(t, mount.MountPath, filepath.Dir(value), name)
			}
		}
		// secretfile.CheckMode accepts this: a file of root's that its group may read.
		require.Equal(t, int32(0o440), *template.Spec.Volumes[0].Secret.DefaultMode)
		require.Equal(t, *template.Spec.SecurityContext.RunAsGroup, *template.Spec.SecurityContext.FSGroup)
	}
	require.NotContains(t, m.config.Data["DATABASE_URL"], "inorder:")
	require.NotContains(t, strings.Join(keys(m.config.Data), " "), "TOKEN ")
}

func keys(m map[string]string) (all []string) {
	for k := range m {
		all = append(all, k)
	}
	return all
}

// settings returns the names of the settings that internal/config reads.
func settings(t *testing.T) map[string]bool {
	t.Helper()
	code, err := os.ReadFile("../internal/config/config.go")
	require.NoError(t, err)
	all := map[string]bool{}
	for _, match := range regexp.MustCompile(`r\.\w+\("([A-Z_]+)"`).FindAllStringSubmatch(string(code), -1) {
		all[match[1]] = true
	}
	require.Greater(t, len(all), 20)
	return all
}

// requireSetting fails unless the variable is a setting of the program, of Temporal's or PostgreSQL's client, or of Go.
func requireSetting(t *testing.T, name string) {
	t.Helper()
	document, err := os.ReadFile("../docs/settings.md")
	require.NoError(t, err)
	known := settings(t)[name] || strings.Contains(string(document), "`"+name+"`") || name == "PGPASSFILE" || name == "GOMEMLIMIT"
	require.True(t, known, "the program doesn't read %s", name)
}
