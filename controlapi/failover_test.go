package controlapi_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// interrupted is a call during which the leader dies.
type interrupted struct {
	prepare func(ctx context.Context, fw controlapi.Framework) error
	call    func(ctx context.Context, fw controlapi.Framework) error
	// launched is how often "web" is to be launched in the end, 0 or 1.
	launched int
}

func launched(ctx context.Context, fw controlapi.Framework) error {
	_, err := fw.Launch(ctx, spec("web"))
	return err
}

func killed(ctx context.Context, fw controlapi.Framework) error {
	_, err := fw.Kill(ctx, "web")
	return err
}

func nothing(context.Context, controlapi.Framework) error { return nil }

func pod() []task.Spec {
	x, y := spec("web"), spec("db")
	x.Pod, y.Pod = "p", "p"
	return []task.Spec{x, y}
}

func interruptions() map[string]interrupted {
	running := func(ctx context.Context, fw controlapi.Framework) error {
		info, err := fw.Wait(ctx, "web", scheduler.UntilRunning)
		if err == nil && info.State != task.StateRunning {
			return fmt.Errorf("it is %v", info.State)
		}
		return err
	}
	return map[string]interrupted{
		"Submit": {nothing, func(ctx context.Context, fw controlapi.Framework) error { return fw.Submit(ctx, spec("web")) }, 1},
		"Launch": {nothing, launched, 1},
		"Launch a job": {nothing, func(ctx context.Context, fw controlapi.Framework) error {
			job := spec("web")
			job.Command.Shell = "sleep 1"
			_, err := fw.Launch(ctx, job)
			return err
		}, 1},
		"SubmitPod": {nothing, func(ctx context.Context, fw controlapi.Framework) error { return fw.SubmitPod(ctx, pod()...) }, 1},
		"LaunchPod": {nothing, func(ctx context.Context, fw controlapi.Framework) error {
			infos, err := fw.LaunchPod(ctx, pod()...)
			if err == nil && len(infos) != 2 {
				return fmt.Errorf("%d members", len(infos))
			}
			return err
		}, 1},
		"Ensure": {nothing, func(ctx context.Context, fw controlapi.Framework) error {
			_, err := fw.Ensure(ctx, spec("web"))
			return err
		}, 1},
		"Wait": {func(ctx context.Context, fw controlapi.Framework) error { return fw.Submit(ctx, spec("web")) }, running, 1},
		"Wait for the end": {launched, func(ctx context.Context, fw controlapi.Framework) error {
			time.AfterFunc(20*time.Second, func() { _ = killed(context.WithoutCancel(ctx), fw) })
			info, err := fw.Wait(ctx, "web", scheduler.UntilEnded)
			if err == nil && info.State != task.StateKilled {
				return fmt.Errorf("it is %v", info.State)
			}
			return err
		}, 1},
		"Kill": {launched, killed, 1},
		"Forget": {func(ctx context.Context, fw controlapi.Framework) error {
			if err := launched(ctx, fw); err != nil {
				return err
			}
			return killed(ctx, fw)
		}, func(ctx context.Context, fw controlapi.Framework) error { return fw.Forget(ctx, "web") }, 1},
		"Task":      {launched, func(ctx context.Context, fw controlapi.Framework) error { _, err := fw.Task(ctx, "web"); return err }, 1},
		"Tasks":     {launched, func(ctx context.Context, fw controlapi.Framework) error { _, err := fw.Tasks(ctx); return err }, 1},
		"Explain":   {launched, func(ctx context.Context, fw controlapi.Framework) error { _, err := fw.Explain(ctx, "web"); return err }, 1},
		"Agents":    {launched, func(ctx context.Context, fw controlapi.Framework) error { _, err := fw.Agents(ctx); return err }, 1},
		"Status":    {nothing, func(ctx context.Context, fw controlapi.Framework) error { _, err := fw.Status(ctx); return err }, 0},
		"Reconcile": {launched, func(ctx context.Context, fw controlapi.Framework) error { return fw.Reconcile(ctx) }, 1},
		"Teardown":  {launched, func(ctx context.Context, fw controlapi.Framework) error { return fw.Teardown(ctx) }, 1},
	}
}

// moments are when the leader dies, as what is done with the fleet before the call.
func moments() map[string]func(f *fleet) {
	once := func(f *fleet, kill func(p *peer)) func(*peer, string) {
		var one sync.Once
		leader := f.leader()
		return func(p *peer, _ string) {
			if p == leader {
				one.Do(func() { kill(p) })
			}
		}
	}
	return map[string]func(f *fleet){
		"before the call":                      func(f *fleet) { f.leader().kill() },
		"when the request was read":            func(f *fleet) { f.tap.set(once(f, (*peer).kill), nil) },
		"before the answer":                    func(f *fleet) { f.tap.set(nil, once(f, (*peer).kill)) },
		"1 ms after the request was read":      func(f *fleet) { f.tap.set(once(f, func(p *peer) { time.AfterFunc(time.Millisecond, p.kill) }), nil) },
		"50 ms after the request was read":     func(f *fleet) { f.tap.set(once(f, func(p *peer) { time.AfterFunc(50*time.Millisecond, p.kill) }), nil) },
		"it hands over when it was read":       func(f *fleet) { f.tap.set(once(f, func(*peer) { f.election.HandOver() }), nil) },
		"it is cut off when it was read":       func(f *fleet) { f.tap.set(once(f, func(p *peer) { f.cutOff(p) }), nil) },
		"it stops as planned when it was read": func(f *fleet) { f.tap.set(once(f, func(p *peer) { p.stop() }), nil) },
	}
}

// cutOff cuts a member off from the others and the store, and from the client.
func (f *fleet) cutOff(p *peer) {
	f.election.Cut(p.n)
	rest := []string{clientHost}
	for i := range f.members {
		if i != p.n {
			rest = append(rest, hostOf(i))
		}
	}
	f.network.Split([]string{hostOf(p.n)}, rest)
}

// Whenever the leader dies during a call, the caller gets one slow answer and no error, whichever member he asked, and what he
// asked for is done once.
func TestLeaderDiesDuringACall(t *testing.T) {
	for name, c := range interruptions() {
		for moment, disturb := range moments() {
			for _, asked := range []string{"leader", "follower", "any"} {
				if testing.Short() && (asked != "follower" || slices.Contains([]string{"before the call", "1 ms after the request was read", "it stops as planned when it was read"}, moment)) {
					continue
				}
				t.Run(name+", "+moment+", asking "+asked, func(t *testing.T) {
					inFleet(t, func(t *testing.T, f *fleet) {
						client := map[string]*controlapi.Client{"leader": f.newClient(apiOf(f.leader().n), apiOf(f.follower().n)), "follower": f.at(f.follower()), "any": f.client}[asked]
						defer client.Close()
						ctx, cancel := within(time.Minute)
						defer cancel()
						require.NoError(t, c.prepare(ctx, client))
						disturb(f)
						began := time.Now()
						require.NoError(t, c.call(ctx, client))
						require.Less(t, time.Since(began), 45*time.Second)
						f.tap.set(nil, nil)
						sleep(10 * time.Second)
						if name != "Teardown" {
							f.checkOnce(t, c.launched)
						}
					})
				})
			}
		}
	}
}

// A request over plain HTTP that is under way at a leader which hands over is answered by the next one.
func TestRequestWhileTheLeaderHandsOver(t *testing.T) {
	inFleet(t, func(t *testing.T, f *fleet) {
		ctx, cancel := within(time.Minute)
		defer cancel()
		require.NoError(t, launched(ctx, f.client))
		asked := f.leader()
		time.AfterFunc(time.Second, f.election.HandOver)
		time.AfterFunc(20*time.Second, func() { _ = killed(ctx, f.client) })
		info := decoded[task.Info](t, f.get(asked, "GET", "/v1/tasks/web/wait?until=ended", "Request-Timeout: 60"), 200)
		require.Equal(t, task.StateKilled, info.State)
		require.NotEqual(t, asked, f.leader())
	})
}

// checkOnce requires that "web" was launched so often, and that it runs unless it was ended.
func (f *fleet) checkOnce(t *testing.T, launches int) {
	require.Equal(t, launches, f.launches("web"))
	synctest.Wait()
}
