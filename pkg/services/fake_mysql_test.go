package services_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
)

// packet frames a body as the MySQL protocol does.
func packet(sequence byte, body []byte) []byte {
	header := binary.LittleEndian.AppendUint32(nil, uint32(len(body)))
	header[3] = sequence
	return append(header, body...)
}

// mysqlGreeting is a sound handshake packet of a server without TLS.
func mysqlGreeting(version string) []byte {
	var b bytes.Buffer
	b.WriteByte(10)
	b.WriteString(version + "\x00")
	b.WriteString("\x01\x00\x00\x00" + "12345678" + "\x00")
	b.WriteString("\xff\xf7") // everything but TLS
	b.WriteString("\x21\x02\x00" + "\xff\x81" + "\x15")
	b.WriteString(strings.Repeat("\x00", 10) + "123456789012" + "\x00")
	b.WriteString("mysql_native_password\x00")
	return packet(0, b.Bytes())
}

// mysqlOK is the answer to a login.
func mysqlOK(sequence byte) []byte {
	return packet(sequence, []byte{0, 0, 0, 2, 0, 0, 0})
}

// mysqlError is an error packet as a server sends it.
func mysqlError(sequence byte, number uint16, text string) []byte {
	body := binary.LittleEndian.AppendUint16([]byte{0xff}, number)
	return packet(sequence, append(append(body, "#HY000"...), text...))
}

// mysqlLoggedIn is what a server says up to the first question.
func mysqlLoggedIn() []byte {
	return append(mysqlGreeting("10.11.19-MariaDB"), mysqlOK(2)...)
}

// mysqlRows is an answer of text columns that the driver reads without complaint.
func mysqlRows(columns []string, rows ...[]string) []byte {
	answer := packet(1, []byte{byte(len(columns))})
	sequence := byte(2)
	for _, name := range columns {
		var b bytes.Buffer
		b.WriteString("\x03def\x00\x00\x00")
		b.WriteByte(byte(len(name)))
		b.WriteString(name)
		b.WriteString("\x00\x0c\x21\x00\xff\x00\x00\x00\xfd\x00\x00\x00\x00\x00")
		answer = append(answer, packet(sequence, b.Bytes())...)
		sequence++
	}
	for _, row := range rows {
		var b bytes.Buffer
		for _, value := range row {
			b.WriteByte(byte(len(value)))
			b.WriteString(value)
		}
		answer = append(answer, packet(sequence, b.Bytes())...)
		sequence++
	}
	return append(answer, packet(sequence, []byte{0xfe, 0, 0, 2, 0, 0, 0})...)
}

// readPacket takes one packet off the connection.
func readPacket(conn net.Conn) {
	var header [4]byte
	if _, err := io.ReadFull(conn, header[:]); err == nil {
		header[3] = 0
		io.CopyN(io.Discard, conn, int64(binary.LittleEndian.Uint32(header[:])))
	}
}
