package services

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
)

const (
	packetLimit   = 1 << 20 // bytes in one packet: a GTID set with many gaps is long
	greetingLimit = 4 << 10 // bytes in the greeting
	sessionLimit  = 8 << 20 // bytes read in one probe
)

// wire stands between a database connection and the driver library and lets only
// sound packets through. The library trusts its server: it allocates what a packet's
// header or a column count claims and indexes into short packets, so that a far side
// which is no database, or a broken one, could panic it or take all memory. The wire
// also remembers what went wrong, which the library's errors do not tell.
//
// Once TLS begins only the number of bytes is watched: the packets are out of sight.
type wire struct {
	net.Conn
	in       *bufio.Reader
	packet   []byte // what the driver has not taken yet of the current packet
	left     int    // bytes the far side may still send
	tls      bool   // TLS is wanted, if the server offers it
	opaque   bool   // TLS has begun
	loggedIn bool   // the login is over; set by whoever logs in
	heard    bool   // the far side said anything at all
	greeting *greeting
	sample   func([]byte) string
	foul     string // what the far side sent wrongly, in words; empty: nothing
	failure  error  // the first I/O error
}

func newWire(conn net.Conn, tls bool, sample func([]byte) string) *wire {
	return &wire{Conn: conn, in: bufio.NewReader(conn), left: sessionLimit, tls: tls, sample: sample}
}

// Read gives the driver the next bytes of a packet that was found sound.
func (w *wire) Read(p []byte) (int, error) {
	if w.opaque && len(w.packet) == 0 {
		n, err := w.in.Read(p)
		if w.left -= n; w.left < 0 {
			w.foul = fmt.Sprintf("sent more than %d MiB", sessionLimit>>20)
			return 0, io.ErrUnexpectedEOF
		}
		w.note(err)
		return n, err
	}
	if len(w.packet) == 0 {
		if err := w.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, w.packet)
	w.packet = w.packet[n:]
	return n, nil
}

// Write sends what the driver says.
func (w *wire) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	w.note(err)
	return n, err
}

// note keeps the first I/O error; the end of a probe closes the connection too, and
// those errors come later.
func (w *wire) note(err error) {
	if err != nil && w.failure == nil {
		w.failure = err
	}
}

// next reads a whole packet and holds it ready.
func (w *wire) next() error {
	var header [4]byte
	if n, err := io.ReadFull(w.in, header[:]); err != nil {
		w.heard = w.heard || n > 0
		w.note(err)
		return err
	}
	w.heard = true
	length := int(header[0]) | int(header[1])<<8 | int(header[2])<<16
	if w.foul = w.headerFault(header, length); w.foul != "" {
		return io.ErrUnexpectedEOF
	}
	packet := make([]byte, len(header)+length)
	copy(packet, header[:])
	if _, err := io.ReadFull(w.in, packet[len(header):]); err != nil {
		w.note(err)
		return err
	}
	w.left -= len(packet)
	if w.foul = w.bodyFault(header[3], packet[len(header):]); w.foul != "" {
		return io.ErrUnexpectedEOF
	}
	w.packet = packet
	return nil
}

// headerFault says what is wrong with a packet's header.
func (w *wire) headerFault(header [4]byte, length int) string {
	limit := packetLimit
	if w.greeting == nil {
		limit = greetingLimit
	}
	switch {
	case w.greeting == nil && (length == 0 || length > limit || header[3] != 0):
		rest, _ := w.in.Peek(w.in.Buffered())
		return fmt.Sprintf("not a MySQL server: sent %s", w.sample(append(header[:], rest...)))
	case length == 0:
		return "sent an empty packet"
	case length > limit:
		return fmt.Sprintf("sent a packet of %d bytes", length)
	case length > w.left:
		return fmt.Sprintf("sent more than %d MiB", sessionLimit>>20)
	}
	return ""
}

// The first byte of packets that are not plain data.
const (
	packetOK     = 0x00
	packetInFile = 0xfb // also NULL in a row
	packetEOF    = 0xfe
	packetError  = 0xff
)

// bodyFault says what is wrong with a packet, as far as the driver would stumble.
func (w *wire) bodyFault(sequence byte, body []byte) string {
	if body[0] == packetError {
		if w.greeting == nil {
			w.greeting = &greeting{}
		}
		return errorFault(body)
	}
	if w.greeting == nil {
		g, ok := parseGreeting(body)
		if !ok {
			return fmt.Sprintf("not a MySQL server: sent %s", w.sample(body))
		}
		w.greeting = &g
		w.opaque = w.tls && g.tls
		return ""
	}
	if !w.loggedIn {
		return loginFault(body)
	}
	// The first packet after a query is its column count. One byte is enough for
	// any of ours; a wider count would be taken for an allocation.
	if sequence == 1 && body[0] >= packetInFile && body[0] <= packetEOF {
		return "sent a malformed answer"
	}
	return ""
}

// errorFault says what is wrong with an error packet: marker, number, and where '#'
// follows, five bytes of SQL state.
func errorFault(body []byte) string {
	if len(body) < 4 || body[3] == '#' && len(body) < 9 {
		return "sent a malformed error"
	}
	return ""
}

// loginFault says what is wrong with an answer to the login. The library ends a
// goroutine of its own only when it fails in good order, so it must not panic here.
func loginFault(body []byte) string {
	const fault = "sent a malformed answer to the login"
	switch {
	case body[0] == packetOK && len(body) < 7: // two counts, status, warnings
		return fault
	case body[0] == packetEOF && len(body) > 1: // another plugin, and its scramble
		plugin, scramble, ok := bytes.Cut(body[1:], []byte{0})
		if !ok || string(plugin) == "mysql_native_password" && len(bytes.TrimSuffix(scramble, []byte{0})) < 20 {
			return fault
		}
	}
	return ""
}

// greeting is what the server says first.
type greeting struct {
	version string
	tls     bool // offered
}

const (
	protocolVersion = 10
	capabilitySSL   = 0x0800
)

// parseGreeting reads a handshake packet of protocol 10 and tells whether it is
// whole, as the driver needs it.
func parseGreeting(body []byte) (greeting, bool) {
	if len(body) == 0 || body[0] != protocolVersion {
		return greeting{}, false
	}
	end := 1
	for end < len(body) && body[end] != 0 {
		end++
	}
	// after the version: connection id, the first part of the scramble, a filler
	capabilities := end + 1 + 4 + 8 + 1
	// and after the lower capabilities: character set, status, upper capabilities,
	// scramble length, reserved bytes, the second part of the scramble
	whole := capabilities + 2 + 1 + 2 + 2 + 1 + 10 + 13
	if len(body) < whole {
		return greeting{}, false
	}
	flags := binary.LittleEndian.Uint16(body[capabilities:])
	return greeting{version: string(body[1:end]), tls: flags&capabilitySSL != 0}, true
}
