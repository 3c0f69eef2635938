package cloud_test

import (
	"testing"
	"time"

	"github.com/clmgr/clmgr/pkg/cloud"
	"github.com/clmgr/clmgr/pkg/cloud/cloudtest"
)

func TestEC2(t *testing.T) {
	t.Parallel()
	cloudtest.Run(t, func(t *testing.T) cloud.Driver { return newSite(t).driver(t, 3) })
}

func TestCachedEC2(t *testing.T) {
	t.Parallel()
	cloudtest.Run(t, func(t *testing.T) cloud.Driver { return newSite(t).cached(t, 3, time.Hour) })
}
