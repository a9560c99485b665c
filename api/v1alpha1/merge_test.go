package v1alpha1

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestARulesPolicyOverridesFieldByField visits every field that Policy has, those that are added
// one day too. For each, one policy sets it and another doesn't.
func TestARulesPolicyOverridesFieldByField(t *testing.T) {
	paths := leaves(reflect.TypeFor[Policy](), nil)
	if len(paths) < 15 {
		t.Fatalf("%d fields only: the walk is broken", len(paths))
	}
	routes := policyWith(paths, 'r')
	for _, path := range paths {
		t.Run(name(path), func(t *testing.T) {
			own := policyWith([][]int{path}, 'o')

			got := own.MergedOver(nil)
			expect(t, "alone", got, own)
			got = own.MergedOver(&Policy{})
			expect(t, "over an empty policy", got, own)
			got = (&Policy{}).MergedOver(own)
			expect(t, "under an empty policy", got, own)
			got = (*Policy)(nil).MergedOver(own)
			expect(t, "under none", got, own)

			want := routes.DeepCopy()
			set(reflect.ValueOf(want).Elem(), path, 'o')
			got = own.MergedOver(routes)
			expect(t, "over a route that sets all", got, want)
			got = routes.MergedOver(own)
			expect(t, "under a rule that sets all", got, routes)
		})
	}
}

// TestMergingLeavesBothPoliciesAlone: objects from the informer cache must not be written to.
func TestMergingLeavesBothPoliciesAlone(t *testing.T) {
	paths := leaves(reflect.TypeFor[Policy](), nil)
	for _, c := range []struct{ own, base *Policy }{
		{policyWith(paths, 'o'), policyWith(paths, 'r')},
		{policyWith(paths, 'o'), nil},
		{nil, policyWith(paths, 'r')},
		{policyWith(paths[:1], 'o'), policyWith(paths[1:], 'r')},
	} {
		own, base := c.own.DeepCopy(), c.base.DeepCopy()
		merged := c.own.MergedOver(c.base)
		for _, path := range paths {
			set(reflect.ValueOf(&merged).Elem(), path, 'x')
		}
		if diff := cmp.Diff(own, c.own) + cmp.Diff(base, c.base); diff != "" {
			t.Errorf("writing to the result wrote to what it was made of:\n%s", diff)
		}
	}
}

func expect(t *testing.T, where string, got Policy, want *Policy) {
	t.Helper()
	if diff := cmp.Diff(*want, got); diff != "" {
		t.Errorf("%s: want (-), got (+):\n%s", where, diff)
	}
}

// leaves returns the paths, as field indexes, of all fields that hold a value of their own.
func leaves(s reflect.Type, at []int) [][]int {
	var paths [][]int
	for i := range s.NumField() {
		path := append(append([]int{}, at...), i)
		if f := s.Field(i).Type; f.Kind() == reflect.Pointer && f.Elem().Kind() == reflect.Struct {
			paths = append(paths, leaves(f.Elem(), path)...)
		} else {
			paths = append(paths, path)
		}
	}
	return paths
}

func policyWith(paths [][]int, mark byte) *Policy {
	p := &Policy{}
	for _, path := range paths {
		set(reflect.ValueOf(p).Elem(), path, mark)
	}
	return p
}

// set writes a value that tells its mark into the field at path, making the structs on the way.
// Existing numbers and lists are written in place, to find memory that is shared.
func set(v reflect.Value, path []int, mark byte) {
	for _, i := range path {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	fill(v, mark)
}

func fill(v reflect.Value, mark byte) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(string(mark))
	case reflect.Int32:
		v.SetInt(int64(mark))
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		fill(v.Elem(), mark)
	case reflect.Slice:
		if v.Len() == 0 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		}
		fill(v.Index(0), mark)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), mark)
		}
	default:
		panic(fmt.Sprintf("teach this test to fill a %s", v.Type()))
	}
}

// name turns field indexes into a name such as Timeouts.Idle.
func name(path []int) string {
	s, joined := reflect.TypeFor[Policy](), ""
	for _, i := range path {
		if s.Kind() == reflect.Pointer {
			s = s.Elem()
		}
		joined += "." + s.Field(i).Name
		s = s.Field(i).Type
	}
	return joined[1:]
}
