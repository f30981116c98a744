package tools

import (
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// drainTime returns how long `inorder serve` takes at most to stop: first the receiver, then the worker. It reads the times from the code.
func drainTime(t *testing.T) time.Duration {
	t.Helper()
	seconds := func(file, name string) time.Duration {
		code, err := os.ReadFile(file)
		require.NoError(t, err)
		m := regexp.MustCompile(`\b` + name + `\s+= (\d+) \* time\.Second`).FindStringSubmatch(string(code))
		require.NotNil(t, m, "%s has no %s in seconds", file, name)
		n, err := strconv.Atoi(m[1])
		require.NoError(t, err)
		return time.Duration(n) * time.Second
	}
	const receiver = "../receiver/receiver.go"
	return seconds(receiver, "readTimeout") + seconds(receiver, "defaultStartTimeout") + seconds(receiver, "writeTimeout") + seconds("../worker/worker.go", "stopTimeout")
}

func TestPodsStopInTheirTime(t *testing.T) {
	m := kubernetes(t)
	spec := m.serve.Spec.Template.Spec
	sleep := time.Duration(spec.Containers[0].Lifecycle.PreStop.Sleep.Seconds) * time.Second
	require.Greater(t, time.Duration(*spec.TerminationGracePeriodSeconds)*time.Second, sleep+drainTime(t))
	require.Equal(t, 0, m.serve.Spec.Strategy.RollingUpdate.MaxUnavailable.IntValue(), "a new pod is ready before an old one stops")
	require.Greater(t, *m.serve.Spec.Replicas, int32(m.budget.Spec.MaxUnavailable.IntValue()), "a drained node leaves one")
}

func TestPodsAreProbedAndBounded(t *testing.T) {
	m := kubernetes(t)
	c := m.serve.Spec.Template.Spec.Containers[0]
	for path, probe := range map[string]*core.Probe{"/healthz": c.LivenessProbe, "/readyz": c.ReadinessProbe} {
		require.Equal(t, path, probe.HTTPGet.Path)
		require.Equal(t, intstr.FromString("webhooks"), probe.HTTPGet.Port)
		require.Greater(t, probe.TimeoutSeconds, int32(2), "an answer takes 2 s at most")
	}
	ports := map[string]int32{}
	for _, port := range c.Ports {
		ports[port.Name] = port.ContainerPort
	}
	require.Equal(t, "0.0.0.0:"+strconv.Itoa(int(ports["webhooks"])), m.config.Data["LISTEN_ADDR"])
	require.Equal(t, "0.0.0.0:"+strconv.Itoa(int(ports["admin"])), m.config.Data["ADMIN_ADDR"])
	memory, err := resource.ParseQuantity("400Mi")
	require.NoError(t, err)
	require.Equal(t, "400MiB", m.config.Data["GOMEMLIMIT"])
	for command, template := range m.pods() {
		limits := template.Spec.Containers[0].Resources
		require.Positive(t, limits.Limits.Memory().Cmp(memory), command)
		require.False(t, limits.Requests.Cpu().IsZero(), command)
		require.True(t, limits.Limits.Cpu().IsZero(), "%s: a limit would throttle it", command)
	}
}

func TestPodsHaveNoMorePowerThanTheyNeed(t *testing.T) {
	m := kubernetes(t)
	user := regexp.MustCompile(`\nUSER (\d+):`).FindStringSubmatch(dockerfile(t))
	for command, template := range m.pods() {
		pod, c := template.Spec.SecurityContext, template.Spec.Containers[0].SecurityContext
		require.True(t, *pod.RunAsNonRoot, command)
		require.Equal(t, user[1], strconv.FormatInt(*pod.RunAsUser, 10), "%s: the image's user", command)
		require.Equal(t, core.SeccompProfileTypeRuntimeDefault, pod.SeccompProfile.Type, command)
		require.False(t, *c.AllowPrivilegeEscalation, command)
		require.True(t, *c.ReadOnlyRootFilesystem, command)
		require.Equal(t, []core.Capability{"ALL"}, c.Capabilities.Drop, command)
		require.False(t, *template.Spec.AutomountServiceAccountToken, command)
	}
}

func dockerfile(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../Dockerfile")
	require.NoError(t, err)
	return string(text)
}

// Deliveries come in through one path and one port. Only Prometheus can reach the admin listener.
func TestTheAdminListenerIsNotPublic(t *testing.T) {
	m := kubernetes(t)
	require.Len(t, m.service.Spec.Ports, 1)
	require.Equal(t, intstr.FromString("webhooks"), m.service.Spec.Ports[0].TargetPort)
	require.Empty(t, m.service.Spec.Type, "it can be reached only from within the cluster")
	for _, rule := range m.ingress.Spec.Rules {
		require.Len(t, rule.HTTP.Paths, 1)
		path := rule.HTTP.Paths[0]
		require.Equal(t, "/webhooks/hc", path.Path)
		require.Equal(t, networking.PathTypeExact, *path.PathType)
		require.Equal(t, m.service.Name, path.Backend.Service.Name)
		require.Equal(t, m.service.Spec.Ports[0].Name, path.Backend.Service.Port.Name)
		require.Contains(t, m.ingress.Spec.TLS[0].Hosts, rule.Host)
	}
	require.Len(t, m.policies, len(m.pods()))
	for _, p := range m.policies {
		require.Equal(t, []networking.PolicyType{networking.PolicyTypeIngress}, p.Spec.PolicyTypes)
		if p.Spec.PodSelector.MatchLabels["app.kubernetes.io/name"] != m.serve.Name {
			require.Empty(t, p.Spec.Ingress, p.Name)
			continue
		}
		for _, rule := range p.Spec.Ingress {
			require.Len(t, rule.Ports, 1)
			require.Equal(t, rule.Ports[0].Port.StrVal == "admin", len(rule.From) > 0, "everybody may connect to the receiver, and only to it")
			for _, from := range rule.From {
				require.NotNil(t, from.PodSelector)
				require.NotNil(t, from.NamespaceSelector)
			}
		}
	}
}
