package mesostest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// programs is a cluster of one agent whose tasks are programs.
type programs struct {
	*cluster
	network *virtualnet.Network
	offer   mesos.Offer
	s       *stream
}

func withPrograms(t *testing.T, all map[string]Program, f func(c *programs)) {
	t.Helper()
	var network virtualnet.Network
	config := Config{
		Agents:   []Agent{{URLHost: "10.0.0.1", IP: "10.0.0.1"}},
		Programs: all, ListenTasks: network.Listen, ListenAgents: AtIP(network.Listen),
	}
	inBubble(t, config, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		f(&programs{cluster: c, network: &network, offer: s.offers()[0], s: s})
	})
}

// run launches a task with host port 31000 and acknowledges all updates until one in that state has come.
func (c *programs) run(task mesos.TaskInfo) {
	c.t.Helper()
	rs, err := resources.Parse("cpus:0.1;mem:32;ports:[31000-31000]")
	require.NoError(c.t, err)
	task.Resources = rs.Proto()
	c.s.accept(c.offer, -1, task)
	time.Sleep(100 * time.Millisecond)
	synctest.Wait()
	require.Equal(c.t, mesos.TASK_STARTING, c.s.lastStatus().GetState())
	c.s.ack(c.s.lastStatus())
	require.Equal(c.t, mesos.TASK_RUNNING, c.s.lastStatus().GetState())
	c.s.ack(c.s.lastStatus())
}

// inDocker returns a task with an image on a network; of a bridge port 8080 is mapped.
func (c *programs) inDocker(image, network string) mesos.TaskInfo {
	task := taskInfo(c.offer, "t", "")
	task.Command = &mesos.CommandInfo{Shell: ptr(false), Environment: &mesos.Environment{Variables: []mesos.Environment_Variable{{Name: "GREETING", Value: ptr("hello")}}}}
	docker := &mesos.ContainerInfo_DockerInfo{Image: image}
	task.Container = &mesos.ContainerInfo{Type: mesos.ContainerInfo_DOCKER.Enum(), Docker: docker}
	if network != "" {
		docker.Network = mesos.ContainerInfo_DockerInfo_USER.Enum()
		task.Container.NetworkInfos = []mesos.NetworkInfo{{Name: &network}}
		return task
	}
	docker.Network = mesos.ContainerInfo_DockerInfo_BRIDGE.Enum()
	docker.PortMappings = []mesos.ContainerInfo_DockerInfo_PortMapping{{HostPort: 31000, ContainerPort: 8080}}
	return task
}

func (c *programs) get(url string) (string, error) {
	transport := &http.Transport{DialContext: c.network.DialContext, DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport}).Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

func (c *programs) stdout() string {
	c.t.Helper()
	text, err := c.get("http://10.0.0.1:5051/files/download?path=/frameworks/" + c.s.fid.Value + "/executors/t/runs/latest/stdout")
	require.NoError(c.t, err)
	return text
}

// greeter answers requests on port 8080, and writes a line for each.
func greeter(ctx context.Context, p *Process) int {
	return p.Serve(ctx, 8080, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(p.Stdout, "%s\n", r.URL.Path)
		if r.URL.Path == "/hang" {
			<-r.Context().Done()
		}
		_, _ = fmt.Fprint(w, p.Env["GREETING"], " of ", p.TaskID, " at ", p.Host, p.Ports)
	}))
}

// A program listens at the instant at which its task is told to be running, at the host port, and its output is in the sandbox.
func TestProgramServes(t *testing.T) {
	withPrograms(t, map[string]Program{"greeter:1": greeter}, func(c *programs) {
		c.run(c.inDocker("greeter:1", ""))
		text, err := c.get("http://10.0.0.1:31000/x")
		require.NoError(t, err)
		require.Equal(t, "hello of t at 10.0.0.1[31000]", text)
		require.Equal(t, "/x\n", c.stdout())
		require.Equal(t, 100*time.Millisecond, time.Since(c.start))
		_, err = c.get("http://10.0.0.1:8080/")
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	})
}

// With a network of its own a container has an address of its own.
func TestProgramOnANamedNetwork(t *testing.T) {
	withPrograms(t, map[string]Program{"greeter": greeter}, func(c *programs) {
		c.run(c.inDocker("greeter", "overlay"))
		ip := c.s.lastStatus().ContainerStatus.NetworkInfos[0].IPAddresses[0].GetIPAddress()
		require.Equal(t, "10.88.0.2", ip)
		text, err := c.get("http://" + ip + ":8080/")
		require.NoError(t, err)
		require.Contains(t, text, "hello")
	})
}

// A program that is killed is dead at once for everybody else: requests break, nobody listens, and nothing is written.
func TestProgramIsKilled(t *testing.T) {
	ends := map[string]func(*programs){
		"by a KILL": func(c *programs) {
			c.s.kill("t")
			c.at(150 * time.Millisecond)
			require.Equal(t, "0.15 t TASK_KILLED: Command terminated with signal Terminated", c.s.log()[len(c.s.log())-1])
		},
		"with its agent":    func(c *programs) { require.True(t, c.master.RemoveAgent("agent1.example")) },
		"with its executor": func(c *programs) { require.True(t, c.master.KillExecutor("t")) },
		"by its exit":       func(c *programs) { require.True(t, c.master.EndTask("t", 1)) },
	}
	for how, end := range ends {
		var late chan error
		program := func(ctx context.Context, p *Process) int {
			status := greeter(ctx, p)
			_, err := p.Stdout.Write([]byte("late"))
			late <- err
			_, err = p.Listen(8081)
			require.Error(t, err)
			return status
		}
		withPrograms(t, map[string]Program{"greeter": program}, func(c *programs) {
			late = make(chan error, 1)
			c.run(c.inDocker("greeter", ""))
			asked := make(chan error, 1)
			go func() {
				_, err := c.get("http://10.0.0.1:31000/hang")
				asked <- err
			}()
			synctest.Wait()
			end(c)
			require.ErrorIs(t, <-asked, syscall.ECONNRESET, how)
			require.ErrorIs(t, <-late, errKilled, how)
			_, err := c.get("http://10.0.0.1:31000/")
			require.ErrorIs(t, err, syscall.ECONNREFUSED, how)
			if how == "by a KILL" {
				require.Equal(t, "/hang\n", c.stdout())
			}
		})
	}
}

// What a program returns is its exit status, and one that ends its goroutine exits as well.
func TestProgramExits(t *testing.T) {
	for message, program := range map[string]Program{
		"TASK_FINISHED: Command exited with status 0": func(context.Context, *Process) int { return 0 },
		"TASK_FAILED: Command exited with status 3": func(_ context.Context, p *Process) int {
			_, err := p.Listen(31000)
			require.NoError(t, err)
			_, err = p.Listen(31000)
			require.ErrorIs(t, err, syscall.EADDRINUSE)
			time.Sleep(time.Minute)
			return 3
		},
		"TASK_FAILED: Command exited with status 1": func(context.Context, *Process) int {
			runtime.Goexit()
			return 0
		},
	} {
		withPrograms(t, map[string]Program{"serve": program}, func(c *programs) {
			c.run(taskInfo(c.offer, "t", "serve"))
			time.Sleep(time.Hour)
			synctest.Wait()
			log := updatesOnly(c.s.log())
			require.Contains(t, log[len(log)-1], message)
			_, err := c.get("http://10.0.0.1:31000/")
			require.ErrorIs(t, err, syscall.ECONNREFUSED, "the listener was closed with the process")
		})
	}
}

// A kill in the middle of the start finds a program that runs already.
func TestProgramIsKilledAtItsStart(t *testing.T) {
	var ended chan time.Duration
	withPrograms(t, map[string]Program{"serve": func(ctx context.Context, _ *Process) int {
		began := time.Now()
		<-ctx.Done()
		ended <- time.Since(began)
		return 0
	}}, func(c *programs) {
		ended = make(chan time.Duration, 1)
		c.s.accept(c.offer, -1, taskInfo(c.offer, "t", "serve"))
		time.Sleep(100*time.Millisecond - headStart)
		synctest.Wait()
		c.s.kill("t")
		require.Equal(t, headStart, <-ended)
		synctest.Wait()
		require.Equal(t, []string{"0.1 t TASK_KILLED: Killed before delivery to the executor"}, updatesOnly(c.s.log()))
	})
}

// The programs that still run when the cluster ends are killed, and waited for.
func TestProgramsEndWithTheCluster(t *testing.T) {
	ended := false
	withPrograms(t, map[string]Program{"greeter": func(ctx context.Context, p *Process) int {
		greeter(ctx, p)
		time.Sleep(time.Minute) // it takes its time
		_, err := p.Stderr.Write([]byte("late"))
		require.ErrorIs(t, err, errEnded)
		ended = true
		return 0
	}}, func(c *programs) {
		c.run(c.inDocker("greeter", ""))
		go func() { _, _ = c.get("http://10.0.0.1:31000/hang") }()
		synctest.Wait()
	})
	require.True(t, ended)
}

// Tasks of a group are programs as well.
func TestProgramInAGroup(t *testing.T) {
	withPrograms(t, map[string]Program{"serve": func(ctx context.Context, p *Process) int {
		_, _ = fmt.Fprint(p.Stdout, "member ", p.TaskID)
		<-ctx.Done()
		return 0
	}}, func(c *programs) {
		c.s.call(202, &scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
			OfferIDs:   []mesos.OfferID{c.offer.ID},
			Operations: []mesos.Offer_Operation{launchGroup(c.s, taskInfo(c.offer, "t1", "serve"))},
		}})
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, []string{"0.1 t1 TASK_STARTING"}, updatesOnly(c.s.log()))
		c.s.ack(c.s.lastStatus())
		require.Equal(t, mesos.TASK_RUNNING, c.s.lastStatus().GetState())
		text, err := c.get("http://10.0.0.1:5051/files/download?path=/frameworks/" + c.s.fid.Value + "/executors/e/runs/latest/tasks/t1/stdout")
		require.NoError(t, err)
		require.Equal(t, "member t1", text)
	})
}
