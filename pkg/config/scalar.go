package config

import (
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/clmgr/clmgr/pkg/secret"
)

// scalar decodes a node that should be one value, not a mapping or list.
func (d *decoder) scalar(n ast.Node, v reflect.Value, r *rule) {
	at := startOf(n)
	d.at[v.Addr().Interface()] = at
	switch p := v.Addr().Interface().(type) {
	case *time.Duration:
		d.duration(n, p, r.least)
	case *netip.Addr:
		if d.isText(n, "an ip address such as 10.0.0.1") {
			*p = d.address(literal(n), at)
		}
	case *secret.Value:
		before := len(d.problems)
		d.secret(n, p)
		d.bad[p] = len(d.problems) > before
	case *int64:
		d.size(n, p)
	case *uint16:
		if port, ok := d.integer(n, 1, 65535, "a port number from 1 to 65535"); ok {
			*p = uint16(port) //nolint:gosec // its bounds were checked
		}
	case *int:
		wanted := "a number from " + strconv.Itoa(r.min) + " to " + strconv.Itoa(r.max)
		if number, ok := d.integer(n, r.min, r.max, wanted); ok {
			*p = number
		}
	case *bool:
		if b, ok := n.(*ast.BoolNode); ok {
			*p = b.Value
		} else {
			d.problem(at, "found %s, wanted true or false", describe(n))
		}
	case *string:
		if d.isText(n, wantedText(r)) {
			*p = d.text(literal(n), at, r)
		} else {
			d.bad[p] = true
		}
	}
}

func wantedText(r *rule) string {
	if len(r.enum) > 0 {
		return strings.Join(r.enum, " or ")
	}
	return "text"
}

// isText tells whether n is text, and reports what it is where not.
func (d *decoder) isText(n ast.Node, wanted string) bool {
	if isText(n) {
		return true
	}
	message := "found " + describe(n) + ", wanted " + wanted
	if wanted == "text" && !isMapping(n) && n.Type() != ast.SequenceType && n.Type() != ast.NullType {
		message += ": put it in quotes"
	}
	d.problem(startOf(n), "%s", message)
	return false
}

func (d *decoder) integer(n ast.Node, least, most int, wanted string) (int, bool) {
	i, ok := n.(*ast.IntegerNode)
	if !ok {
		d.problem(startOf(n), "found %s, wanted %s", describe(n), wanted)
		return 0, false
	}
	number, err := strconv.ParseInt(strings.ReplaceAll(literal(i), "_", ""), 0, 64)
	if err != nil || number < int64(least) || number > int64(most) {
		d.problem(startOf(n), "found %s, wanted %s", literal(i), wanted)
		return 0, false
	}
	return int(number), true
}

func (d *decoder) duration(n ast.Node, p *time.Duration, least time.Duration) {
	const examples = "such as 500ms, 10s, 2h or 30d"
	if !d.isText(n, "a duration "+examples) {
		return
	}
	value, err := parseDuration(literal(n))
	if err != nil {
		d.problem(startOf(n), "%v; wanted one %s", err, examples)
		return
	}
	if value < least {
		d.problem(startOf(n), "the duration %s is less than %s", quoted(literal(n)), formatDuration(least))
		return
	}
	*p = value
}

func (d *decoder) size(n ast.Node, p *int64) {
	const wanted = "a size such as 64MiB, or a number of bytes"
	_, number := n.(*ast.IntegerNode)
	if !number && !d.isText(n, wanted) {
		return
	}
	value, err := parseSize(literal(n))
	if err != nil {
		d.problem(startOf(n), "%v; wanted %s", err, wanted)
		return
	}
	*p = value
}

// address reads an ip at which one machine can be reached.
func (d *decoder) address(s string, at place) netip.Addr {
	ip, err := netip.ParseAddr(s)
	switch {
	case err != nil:
		d.problem(at, "%s is not an ip address such as 10.0.0.1 or fd00::1", quoted(s))
	case ip.IsUnspecified() || ip.IsMulticast() || ip.Unmap() == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		d.problem(at, "%s is not the address of one machine", quoted(s))
	default:
		return ip.Unmap()
	}
	return netip.Addr{}
}

// text checks a text value by the rule of its field and returns it, paths
// resolved. A value with a mistake is returned as it is, so that a reference to
// it does not look dangling as well.
func (d *decoder) text(s string, at place, r *rule) string {
	if len(r.enum) > 0 && !slices.Contains(r.enum, s) {
		d.problem(at, "%s is not one of %s%s", quoted(s), strings.Join(r.enum, ", "), d.suggestion(s, r.enum))
		return s
	}
	if r.check == "driver" {
		if !slices.Contains(d.known.Drivers, s) {
			d.problem(at, "unknown driver %s%s", quoted(s), d.choices(s, d.known.Drivers))
		}
		return s
	}
	if fault := textFault(r.check, s); fault != "" {
		d.problem(at, "%s", fault)
		return s
	}
	resolved, err := d.paths.resolve(r.check, s)
	if err != nil {
		d.problem(at, "%v", err)
	}
	return resolved
}
