package eventpb

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand"
	"reflect"
	"slices"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// ours decodes an event that is taken on.
func ours(frame []byte) (*scheduler.Event, error) { return New().Survey(frame, math.MaxInt).Decode() }

// theirs decodes with the generated code.
func theirs(frame []byte) (event *scheduler.Event, err error) {
	defer func() {
		if r := recover(); r != nil {
			event, err = nil, fmt.Errorf("%v", r)
		}
	}()
	event = new(scheduler.Event)
	if err := event.Unmarshal(frame); err != nil {
		return nil, err
	}
	return event, nil
}

// compare returns an error if the decoder takes the frame on and makes something else of it than the generated code.
func compare(d *Decoder, frame []byte) (taken bool, err error) {
	s := d.Survey(frame, math.MaxInt)
	if s == nil {
		return false, nil
	}
	got, err := s.Decode()
	if err != nil {
		return true, err
	}
	want, err := theirs(frame)
	switch again, _ := theirs(frame); {
	case err != nil:
		return true, fmt.Errorf("the generated code refuses it: %w", err)
	case !reflect.DeepEqual(want, again): // not a number, which is not equal to itself
		if got.String() != want.String() {
			return true, errors.New("it is another text")
		}
	case !reflect.DeepEqual(got, want):
		return true, errors.New("it is another event")
	}
	return true, nil
}

func requireSame(t *testing.T, frame []byte, taken bool) {
	t.Helper()
	got, err := compare(New(), frame)
	require.NoError(t, err, "%x", frame)
	require.Equal(t, taken, got, "%x", frame)
}

// All offers of real masters are taken on, and nothing else is.
func TestRecordings(t *testing.T) {
	seen := map[scheduler.Event_Type]int{}
	for _, frame := range recordedFrames(t) {
		event, err := theirs(frame)
		require.NoError(t, err)
		requireSame(t, frame, event.Type == scheduler.Event_OFFERS)
		seen[event.Type]++
	}
	require.Greater(t, seen[scheduler.Event_OFFERS], 400)
	require.Greater(t, len(seen), 8)
}

// So are offers that have all that an offer can have, in any combination.
func TestAllFields(t *testing.T) {
	random, set := rand.New(rand.NewSource(1)), map[string]bool{}
	for range 2000 {
		event := &scheduler.Event{Type: scheduler.Event_OFFERS, Offers: &scheduler.Event_Offers{}}
		for range random.Intn(4) {
			event.Offers.Offers = append(event.Offers.Offers, *mesos.NewPopulatedOffer(random, false))
		}
		for i := range event.Offers.Offers {
			noteSet(set, "", reflect.ValueOf(event.Offers.Offers[i]))
		}
		requireSame(t, encode(t, event), true)
	}
	// Controls: that is all of it, down to what is left to the generated code.
	for _, path := range []string{
		".ExecutorIDs.Value", ".Domain.FaultDomain.Zone.Name", ".Unavailability.Duration.Nanoseconds", ".URL.Address.Port", ".URL.Query.Value", ".URL.Fragment",
		".AllocationInfo.Role", ".Resources.Reservations.Labels.Labels.Value", ".Resources.Reservation.Principal", ".Resources.Disk.Source.Metadata.Labels.Key",
		".Resources.Ranges.Range.End", ".Resources.Set.Item", ".Attributes.Text.Value", ".Attributes.Ranges.Range.Begin", ".Attributes.Scalar.Value", ".Resources.Role",
	} {
		require.True(t, set[path], "%s is in no offer: %v", path, slices.Sorted(maps.Keys(set)))
	}
}

// noteSet notes the paths of all that is not zero in a message.
func noteSet(set map[string]bool, path string, v reflect.Value) {
	switch {
	case v.IsZero():
		return
	case v.Kind() == reflect.Pointer:
		noteSet(set, path, v.Elem())
		return
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			noteSet(set, path, v.Index(i))
		}
		return
	case v.Kind() != reflect.Struct:
		set[path] = true
		return
	}
	for i := range v.NumField() {
		noteSet(set, path+"."+v.Type().Field(i).Name, v.Field(i))
	}
}

// Whatever is changed in an event, in whichever field of whichever message: what is taken on is decoded as by the generated code.
// Decoders that know less of what protobuf allows are found out.
func TestVariants(t *testing.T) {
	wrong := map[string]*Decoder{
		"pieces are not merged":           New(),
		"what is required may be missing": New(),
		"there is a number 0":             New(),
		"a list without slab":             New(),
	}
	offer := func(name string) *table { return wrong[name].offers }
	offer("pieces are not merged").fields[5].message.fields[4].bit = 0
	offer("what is required may be missing").required = 0
	offer("there is a number 0").fields[0].tag = 0
	offer("a list without slab").fields[5].message.fields[4].message.fields[1].slab = uncounted
	found := map[string]bool{}
	taken, left := 0, 0
	for _, event := range []*scheduler.Event{plainOffers(2, sameTexts), smallOffer()} {
		for frame := range variants(encode(t, event)) {
			if ours, err := compare(New(), frame); ours {
				taken++
				require.NoError(t, err, "%x", frame)
			} else {
				left++
			}
			for name, d := range wrong {
				found[name] = found[name] || differs(d, frame)
			}
		}
	}
	for name := range wrong {
		require.True(t, found[name], name)
	}
	require.Greater(t, taken, 1000)
	require.Greater(t, left, 1000)
}

// differs reports whether a decoder is found to be wrong. One that is may panic.
func differs(d *Decoder, frame []byte) (wrong bool) {
	defer func() {
		if recover() != nil {
			wrong = true
		}
	}()
	_, err := compare(d, frame)
	return err != nil
}

// FuzzDecodeOffers holds for any bytes: they are left to the generated code, or decoded as by that.
func FuzzDecodeOffers(f *testing.F) {
	for _, frame := range recordedFrames(f) {
		f.Add(frame)
	}
	f.Add(encode(f, largeOffers(1)))
	f.Add(encode(f, smallOffer()))
	d := New()
	f.Fuzz(func(t *testing.T, frame []byte) {
		before := slices.Clone(frame)
		_, err := compare(d, frame)
		require.NoError(t, err)
		require.Equal(t, before, frame)
	})
}
