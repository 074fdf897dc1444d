package resources

import (
	"math/rand/v2"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"
)

// parsed parses resources and marks them as allocated to the role, "" for none.
func parsed(t testing.TB, text, role string) List {
	t.Helper()
	rs, err := Parse(text)
	require.NoError(t, err)
	return rs.Allocated(role)
}

func TestResourceArithmetic(t *testing.T) {
	tests := []struct {
		name     string
		have     string
		take     string
		contains bool
		rest     string
		sum      string
	}{
		{"scalars are counted in thousandths, so 0.1 goes ten times into 1", "cpus:0.3", "cpus:0.1", true, "cpus:0.2", "cpus:0.4"},
		{"nothing is left", "cpus:1;mem:32", "cpus:1;mem:32", true, "{}", "cpus:2; mem:64"},
		{"more than there is", "cpus:1", "cpus:1.001", false, "{}", "cpus:2.001"},
		{"another name", "cpus:1", "mem:1", false, "cpus:1", "cpus:1; mem:1"},
		{"a range out of the middle", "ports:[10-20]", "ports:[12-13]", true, "ports:[10-11, 14-20]", "ports:[10-20]"},
		{"ranges that touch are joined", "ports:[10-20]", "ports:[21-22]", false, "ports:[10-20]", "ports:[10-22]"},
		{"a range that sticks out", "ports:[10-20]", "ports:[5-10]", false, "ports:[11-20]", "ports:[5-20]"},
		{"sets", "disks:{a,b}", "disks:{b}", true, "disks:{a}", "disks:{a, b}"},
		{"reserved resources are other resources", "cpus:1;cpus(prod):1", "cpus(prod):1", true,
			"cpus:1", "cpus(reservations: [(STATIC,prod)]):2; cpus:1"},
		{"reserved is not unreserved", "cpus(prod):1", "cpus:1", false,
			"cpus(reservations: [(STATIC,prod)]):1", "cpus(reservations: [(STATIC,prod)]):1; cpus:1"},
		{"the last entry fills the gap", "cpus:1;mem:2;disk:3", "cpus:1", true, "disk:3; mem:2", "cpus:2; mem:2; disk:3"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			have, take := parsed(t, test.have, ""), parsed(t, test.take, "")
			before := have.String()
			require.Equal(t, test.contains, have.Contains(take))
			require.Equal(t, test.rest, have.Subtract(take).String())
			require.Equal(t, test.sum, have.Add(take).String())
			require.Equal(t, before, have.String(), "a list never changes")
		})
	}
}

func TestResourcesOfRoles(t *testing.T) {
	rs := parsed(t, "cpus:1;cpus(a):2;cpus(b):4;ports:[1-2]", "")
	require.Equal(t, "ports:[1-2]; cpus(reservations: [(STATIC,a)]):2; cpus(reservations: [(STATIC,b)]):4; cpus:1", rs.String(),
		"offers list what is no scalar first, then what is reserved")
	require.Equal(t, int64(3000), rs.Offerable("a/x").Milli("cpus"), "a/x is offered what is reserved for a")
	require.Equal(t, int64(1000), rs.Offerable("ab").Milli("cpus"), "ab is no child of a")
	require.Equal(t, "ports(allocated: r):[1-2]", rs.Unreserved().Allocated("r")[:1].String())
	require.True(t, rs.Allocated("r").Unallocated().Contains(rs))
	require.False(t, rs.Allocated("r").Contains(rs.Allocated("s")), "the role of the allocation counts")
	require.Equal(t, int64(2000), rs.Quantity("ports"))
}

func TestResourceFormats(t *testing.T) {
	role, static := "prod", mesos.Resource_ReservationInfo_STATIC
	old := mesos.Resource{Name: "cpus", Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: 1}, Role: &role}
	refinedForm := old
	refinedForm.Role = nil
	refinedForm.Reservations = []mesos.Resource_ReservationInfo{{Type: &static, Role: &role}}
	require.Equal(t, refinedForm, Refined(old))
	require.Equal(t, []mesos.Resource{old}, Unrefined([]mesos.Resource{refinedForm}))

	principal := "p"
	dynamic := old
	dynamic.Reservation = &mesos.Resource_ReservationInfo{Principal: &principal}
	require.Equal(t, "cpus(reservations: [(DYNAMIC,prod,p)]):1", New([]mesos.Resource{dynamic}).String())
	require.Equal(t, []mesos.Resource{dynamic}, Unrefined(New([]mesos.Resource{dynamic}).Proto()))
}

func TestMalformedResources(t *testing.T) {
	scalar := func(name string, v float64) mesos.Resource {
		return mesos.Resource{Name: name, Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: v}}
	}
	ranges := func(list ...mesos.Value_Range) mesos.Resource {
		return mesos.Resource{Name: "ports", Type: mesos.RANGES.Enum(), Ranges: &mesos.Value_Ranges{Range: list}}
	}
	text := scalar("cpus", 1)
	text.Type = mesos.TEXT.Enum()
	star, everybody := scalar("cpus", 1), "*"
	star.Reservations = []mesos.Resource_ReservationInfo{{Type: mesos.Resource_ReservationInfo_STATIC.Enum(), Role: &everybody}}
	tests := []struct {
		reason   string
		resource mesos.Resource
		fault    string
	}{
		{"zero is allowed", scalar("cpus", 0), ""},
		{"negative", scalar("cpus", -1), "Resource 'cpus:-1' is invalid: Invalid scalar resource: value <= 0"},
		{"zero after rounding", scalar("cpus", 0.0001), "Resource 'cpus:0' is invalid: Invalid scalar resource: value <= 0"},
		{"no name", scalar("", 1), "Resource ':1' is invalid: Empty resource name"},
		{"inverted range", ranges(mesos.Value_Range{Begin: 2, End: 1}), "Resource 'ports:[2-1]' is invalid: Invalid ranges resource: begin > end"},
		{"overlap", ranges(mesos.Value_Range{Begin: 1, End: 5}, mesos.Value_Range{Begin: 5, End: 6}),
			"Resource 'ports:[1-5, 5-6]' is invalid: Invalid ranges resource: overlapping ranges"},
		{"text is no resource", text, "Resource 'cpus:1' is invalid: Unsupported resource type"},
		{"reserved for everybody", star, `Resource 'cpus(reservations: [(STATIC,*)]):1' is invalid: Invalid reservation: role "*" cannot be reserved`},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			require.Equal(t, test.fault, Fault([]mesos.Resource{test.resource}))
		})
	}
}

func TestParseFlagErrors(t *testing.T) {
	for _, text := range []string{"cpus", "cpus:", "cpus:x", "cpus(a:1", "ports:[1-", "ports:[1]", "ports:[a-b]", "ports:[2-1]", "disks:{a", "cpus(-a):1", "[{]"} {
		_, err := Parse(text)
		require.Error(t, err, text)
	}
	for _, text := range []string{"rack", "rack:", "n:[1-"} {
		_, err := ParseAttributes(text)
		require.Error(t, err, text)
	}
	list, err := ParseAttributes("rack:r1;cores:8;span:[1-2];tags:{a,b}")
	require.NoError(t, err)
	require.Equal(t, []mesos.Value_Type{mesos.TEXT, mesos.SCALAR, mesos.RANGES, mesos.SET},
		[]mesos.Value_Type{list[0].Type, list[1].Type, list[2].Type, list[3].Type})
}

// TestSpansAgainstSets compares the arithmetic of ranges with that of plain sets of numbers.
func TestSpansAgainstSets(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	numbers := func(spans []span) (set [64]bool) {
		for _, s := range spans {
			for n := s.begin; n <= s.end; n++ {
				set[n] = true
			}
		}
		return set
	}
	some := func() []span {
		var list []span
		for range random.IntN(4) {
			begin := random.Uint64N(60)
			list = append(list, span{begin, begin + random.Uint64N(64-begin)})
		}
		return joinSpans(list)
	}
	for range 2000 {
		a, b := some(), some()
		x, y := numbers(a), numbers(b)
		var union, rest [64]bool
		for i := range x {
			union[i], rest[i] = x[i] || y[i], x[i] && !y[i]
		}
		require.Equal(t, union, numbers(joinSpans(append(append([]span{}, a...), b...))), "%v + %v", a, b)
		require.Equal(t, rest, numbers(cutSpans(a, b)), "%v - %v", a, b)
	}
}

// FuzzParseResources: no text panics; what parses is printed in a form that parses to the same
// again, unless a name or role holds a character of the syntax; adding and taking away give the same.
func FuzzParseResources(f *testing.F) {
	for _, seed := range []string{"cpus:4;mem:4096;disk:10000;ports:[31000-31999]", "cpus(prod):1.5", "d:{a,b}", "p:[1-1,3-4]", "[]", `[{"name":"x"}]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = ParseAttributes(text)
		rs, err := Parse(text)
		if err != nil {
			return
		}
		require.True(t, rs.Contains(rs))
		require.True(t, rs.Subtract(rs).Empty())
		require.True(t, rs.Contains(New(rs.Proto())))
		require.True(t, New(rs.Proto()).Contains(rs))
		twice := rs.Add(rs)
		require.True(t, twice.Contains(rs))
	})
}

// Mesos shows ranges and sets as they were written until it calculates with them.
func TestValuesAsGiven(t *testing.T) {
	const given = "[9-9, 5-6, 1-4]"
	ports := func() mesos.Resource {
		return mesos.Resource{Name: "ports", Type: mesos.RANGES.Enum(), Ranges: &mesos.Value_Ranges{Range: []mesos.Value_Range{
			{Begin: 9, End: 9}, {Begin: 5, End: 6}, {Begin: 1, End: 4},
		}}}
	}
	names := mesos.Resource{Name: "names", Type: mesos.SET.Enum(), Set: &mesos.Value_Set{Item: []string{"b", "a"}}}
	rs := New([]mesos.Resource{ports(), names})
	require.Equal(t, "ports:"+given+"; names:{b, a}", rs.String())
	require.Equal(t, rs.String(), New(rs.Proto()).String(), "also as a message")
	require.Equal(t, "ports(allocated: r):"+given+"; names(allocated: r):{b, a}", rs.Allocated("r").String())
	require.Equal(t, "ports:"+given+"; names:{b, a}", List(nil).Add(rs).String(), "beside others")
	require.True(t, rs.Contains(New(rs.Proto())))
	three := New([]mesos.Resource{{Name: "ports", Type: mesos.RANGES.Enum(), Ranges: &mesos.Value_Ranges{Range: []mesos.Value_Range{{Begin: 3, End: 3}}}}})
	require.Equal(t, "ports:[1-2, 4-6, 9-9]; names:{b, a}", rs.Subtract(three).String())
	require.Equal(t, "ports:[1-6, 9-9]; names:{b, a}", rs.Subtract(three).Add(three).String())
	require.Equal(t, "ports:[1-6, 9-9]", New([]mesos.Resource{ports(), ports()}).String(), "two of a kind are added up")
	require.Equal(t, "ports:[1-6, 9-9]; names:{a, b}", OfferOrder(rs).String(), "those of an agent")
	require.Equal(t, "Resource 'ports<SHARED>:"+given+"' is invalid: Resource ports cannot be shared", Fault([]mesos.Resource{func() mesos.Resource {
		r := ports()
		r.Shared = &mesos.Resource_SharedInfo{}
		return r
	}()}))
}

func TestResourceFaults(t *testing.T) {
	static, dynamic := mesos.Resource_ReservationInfo_STATIC.Enum(), mesos.Resource_ReservationInfo_DYNAMIC.Enum()
	type info = mesos.Resource_ReservationInfo
	ref := func(s string) *string { return &s }
	for _, test := range []struct {
		reason string
		edit   func(*mesos.Resource)
		fault  string
	}{
		{"a good one", func(*mesos.Resource) {}, ""},
		{"shared", func(r *mesos.Resource) { r.Shared = &mesos.Resource_SharedInfo{} },
			"Resource 'cpus<SHARED>:0.1' is invalid: Resource cpus cannot be shared"},
		{"a shared disk that is no volume", func(r *mesos.Resource) { r.Name, r.Shared = "disk", &mesos.Resource_SharedInfo{} },
			"Resource 'disk<SHARED>:0.1' is invalid: Only persistent volumes can be shared"},
		{"a block device with a mount", func(r *mesos.Resource) {
			r.Name, r.Disk = "disk", &mesos.Resource_DiskInfo{Source: &mesos.Resource_DiskInfo_Source{
				Type: mesos.Resource_DiskInfo_Source_BLOCK, Mount: &mesos.Resource_DiskInfo_Source_Mount{},
			}}
		}, "Resource 'disk[BLOCK]:0.1' is invalid: Mount should not be set for BLOCK disk source"},
		{"a static refinement", func(r *mesos.Resource) {
			r.Reservations = []info{{Type: static, Role: ref("a")}, {Type: static, Role: ref("a/b")}}
		},
			"Resource 'cpus(reservations: [(STATIC,a),(STATIC,a/b)]):0.1' is invalid: Invalid refined reservation: A refined reservation cannot be STATIC"},
		{"no refinement", func(r *mesos.Resource) {
			r.Reservations = []info{{Type: static, Role: ref("a")}, {Type: dynamic, Role: ref("ab/c")}}
		},
			"Resource 'cpus(reservations: [(STATIC,a),(DYNAMIC,ab/c)]):0.1' is invalid:" +
				" Invalid refined reservation: role 'ab/c' is not a refinement of 'a'"},
		{"a role of the older format beside several", func(r *mesos.Resource) {
			r.Role, r.Reservations = ref("a"), []info{{Type: static, Role: ref("a")}, {Type: dynamic, Role: ref("a/b")}}
		}, "Resource 'cpus(reservations: [(STATIC,a),(DYNAMIC,a/b)]):0.1' is invalid:" +
			" Invalid resource format: 'Resource.role' must not be set if there is more than one reservation in 'Resource.reservations'"},
		{"one that contradicts", func(r *mesos.Resource) { r.Role, r.Reservations = ref("b"), []info{{Type: static, Role: ref("a")}} },
			"Resource 'cpus(reservations: [(STATIC,a)]):0.1' is invalid:" +
				" Invalid resource format: 'Resource.role' field with 'b' does not match the role 'a' in 'Resource.reservations'"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			r := mesos.Resource{Name: "cpus", Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: 0.1}}
			test.edit(&r)
			require.Equal(t, test.fault, Fault([]mesos.Resource{r}))
			require.False(t, Unprintable([]mesos.Resource{r}))
		})
	}
}
