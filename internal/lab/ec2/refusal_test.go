package ec2_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/clmgr/clmgr/internal/lab/ec2"
)

// raw sends a form, signed at that time, and returns status and body.
func (s site) raw(t *testing.T, form string, at time.Time) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/", strings.NewReader(form))
	must(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sum := sha256.Sum256([]byte(form))
	must(t, v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secret},
		req, hex.EncodeToString(sum[:]), "ec2", ec2.Region, at))
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(t, err)
	return res.StatusCode, string(body)
}

// TestRefusals are requests with something wrong in them, as they come over the wire.
func TestRefusals(t *testing.T) {
	s := fresh(t)
	used := *s.running(t, "10.1.2.20").InstanceId
	const launch = "Action=RunInstances&ImageId=ami-databases&MinCount=1&MaxCount=1"
	for _, c := range []struct {
		form, code string
		status     int
	}{
		{"Action=DescribeInstances", "", 200},
		{"", "MissingParameter", 400},
		{"Action=LaunchRockets", "InvalidAction", 400},
		{"Action=RunInstances", "MissingParameter", 400},
		{"Action=RunInstances&ImageId=ami-none&MinCount=1&MaxCount=1", "InvalidAMIID.NotFound", 400},
		{"Action=RunInstances&ImageId=ami-databases&MinCount=1", "MissingParameter", 400},
		{"Action=RunInstances&ImageId=ami-databases&MinCount=2&MaxCount=1", "InvalidParameterValue", 400},
		{"Action=RunInstances&ImageId=ami-databases&MinCount=x&MaxCount=1", "InvalidParameterValue", 400},
		{"Action=RunInstances&ImageId=ami-databases&MinCount=1&MaxCount=999", "InstanceLimitExceeded", 400},
		{launch + "&PrivateIpAddress=10.1.2.3", "InvalidParameterValue", 400},
		{launch + "&PrivateIpAddress=10.1.3.9", "InvalidParameterValue", 400},
		{launch + "&PrivateIpAddress=x", "InvalidParameterValue", 400},
		{launch + "&PrivateIpAddress=10.1.2.20", "InvalidIPAddress.InUse", 400},
		{launch + "&SubnetId=subnet-00000001", "InvalidSubnetID.NotFound", 400},
		{launch + "&SecurityGroupId.1=x", "InvalidGroupId.Malformed", 400},
		{launch + "&ClientToken=" + strings.Repeat("x", 65), "InvalidParameterValue", 400},
		{launch + "&DryRun=true", "DryRunOperation", 412},
		{"Action=RunInstances&ImageId=ami-databases&MinCount=2&MaxCount=2&PrivateIpAddress=10.1.2.21", "InvalidParameterCombination", 400},
		{"Action=DescribeInstances&InstanceId.1=i-00000000000000001", "InvalidInstanceID.NotFound", 400},
		{"Action=DescribeInstances&InstanceId.1=i-zzz", "InvalidInstanceID.Malformed", 400},
		{"Action=StopInstances", "MissingParameter", 400},
		{"Action=CreateTags&ResourceId.1=" + used, "MissingParameter", 400},
		{"Action=CreateTags&ResourceId.1=x&Tag.1.Key=a", "InvalidID", 400},
		{"Action=CreateTags&ResourceId.1=" + used + "&Tag.1.Key=%00", "InvalidParameterValue", 400},
		{"Action=AttachNetworkInterface&NetworkInterfaceId=eni-00000001", "InvalidNetworkInterfaceID.NotFound", 400},
		{"Action=AssociateAddress&PublicIp=1.2.3.4", "InvalidAddress.NotFound", 400},
		{"Action=DescribeInstances&Action=DescribeTags", "InvalidParameterCombination", 400},
		{"Action=%zz", "MalformedQueryString", 400},
		{"Action=GetConsoleOutput&InstanceId=" + used, "", 200},
	} {
		form := c.form + "&Version=2016-11-15"
		status, body := s.raw(t, strings.TrimPrefix(form, "&"), time.Now())
		if status != c.status || c.code != "" && !strings.Contains(body, "<Errors><Error><Code>"+c.code+"</Code>") {
			t.Errorf("%s: %d %s, want %d %s", c.form, status, body, c.status, c.code)
		}
		if !strings.Contains(strings.ToLower(body), "<requestid>") {
			t.Errorf("%s: no request id", c.form)
		}
	}
	if status, body := s.raw(t, "Action=DescribeInstances", time.Now()); status != 400 || !strings.Contains(body, "Version") {
		t.Errorf("without a version: %d %s", status, body)
	}
}

// TestSignature refuses who does not know the secret, or signed long ago or something else.
func TestSignature(t *testing.T) {
	s := fresh(t)
	for name, c := range map[string]*sdk.Client{
		"another key":    client(s.url, "AKIAOTHEROTHEROTHERX", secret),
		"another secret": client(s.url, accessKey, secret+"x"),
	} {
		if _, err := c.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{}); code(err) != "AuthFailure" {
			t.Errorf("%s: %v", name, err)
		}
	}
	const form = "Action=DescribeInstances&Version=2016-11-15"
	if status, body := s.raw(t, form, time.Now().Add(-time.Hour)); status != 400 || !strings.Contains(body, "RequestExpired") {
		t.Errorf("an hour old: %d %s", status, body)
	}
	res, err := http.PostForm(s.url, url.Values{"Action": {"DescribeInstances"}, "Version": {"2016-11-15"}})
	must(t, err)
	res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("unsigned: %d", res.StatusCode)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/", strings.NewReader(form+"&MaxResults=5"))
	must(t, err)
	sum := sha256.Sum256([]byte(form))
	must(t, v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secret},
		req, hex.EncodeToString(sum[:]), "ec2", ec2.Region, time.Now()))
	res, err = http.DefaultClient.Do(req)
	must(t, err)
	res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized {
		t.Errorf("another body than the signed one: %d", res.StatusCode)
	}
	if c := s.server.Calls(); c.Total != 0 || c.Errors["AuthFailure"] != 3 {
		t.Errorf("counted %+v", c)
	}
}
