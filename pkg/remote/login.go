package remote

import (
	"context"
	"errors"
	"fmt"
	"net"

	"golang.org/x/crypto/ssh"
)

// clientVersion is what servers log of us.
const clientVersion = "SSH-2.0-clmgr"

// login does the key exchange, verifies the host key and authenticates. It returns
// when ctx ends, whatever the server, the agent or a lock on known_hosts does.
func (p *Pool) login(ctx context.Context, t *target, conn *slottedConn, ring *keyring, track *tracker) (*connection, error) {
	known := p.hostKeys.of(t.known)
	algorithms, err := known.algorithms(t.keyNames)
	if err != nil {
		conn.Close()
		return nil, &Error{Stage: StageHostKey, Err: err}
	}
	var badKey error // read after the handshake has ended
	client, err := handshake(ctx, conn, &ssh.ClientConfig{
		User:              t.user,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(ring.signers()...)},
		ClientVersion:     clientVersion,
		HostKeyAlgorithms: algorithms,
		HostKeyCallback: func(_ string, remote net.Addr, key ssh.PublicKey) error {
			if badKey = known.judge(ctx, t, remote, key); badKey == nil {
				track.set(phaseAuth)
			}
			return badKey
		},
	})
	switch {
	case ctx.Err() != nil && err != nil:
		return nil, track.late(ctx.Err())
	case err != nil:
		return nil, p.loginError(t, ring, track, badKey, err)
	}
	conn.open.Store(true)
	return newConnection(p, client, conn), nil
}

// handshake leaves the library's, which knows no context, behind when ctx ends.
func handshake(ctx context.Context, conn net.Conn, config *ssh.ClientConfig) (*ssh.Client, error) {
	type result struct {
		client *ssh.Client
		err    error
	}
	done := make(chan result)
	go func() {
		// The callback above knows the address; the library's is for its errors.
		c, channels, requests, err := ssh.NewClientConn(conn, conn.RemoteAddr().String(), config)
		r := result{err: err}
		if err == nil {
			r.client = ssh.NewClient(c, channels, requests)
		}
		select {
		case done <- r:
		case <-ctx.Done():
			conn.Close()
		}
	}()
	select {
	case <-ctx.Done():
		conn.Close()
		return nil, ctx.Err()
	case r := <-done:
		return r.client, r.err
	}
}

// judge verifies a host key and, where that is asked for, trusts an unknown one.
func (h *hostKeys) judge(ctx context.Context, t *target, remote net.Addr, key ssh.PublicKey) error {
	err := h.verify(t.keyNames, remote, key)
	unknown := errors.Is(err, errUnknownKey)
	switch {
	case t.vouch != nil && (unknown || isPlainMismatch(err)):
		return h.acceptVouched(ctx, t, remote, key, err)
	case !unknown:
		return err
	case t.acceptNew:
		return h.accept(ctx, t, remote, key)
	}
	return unknownError(t, key)
}

// loginError tells how far a login came that the server or its key ended.
func (p *Pool) loginError(t *target, ring *keyring, track *tracker, badKey, err error) error {
	switch {
	case badKey != nil:
		return &Error{Stage: StageHostKey, Err: badKey}
	case phase(track.at.Load()) < phaseAuth:
		return &Error{Stage: StageBanner, Err: fmt.Errorf("cannot exchange keys: %w", err)}
	}
	p.keyrings.refused(t.keys)
	return &Error{Stage: StageAuth, Err: fmt.Errorf("the server does not accept %s: %s: %w", t.user, ring.tried(), err)}
}
