module github.com/clmgr/clmgr

go 1.26.0
