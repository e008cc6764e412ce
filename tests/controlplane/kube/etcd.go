package main

import (
	"flag"
	"net/url"

	"go.etcd.io/etcd/server/v3/embed"
)

// etcd runs one member on loopback, without fsync: it survives a killed process, not a power cut.
func etcd(args []string) error {
	flags := flag.NewFlagSet("etcd", flag.ExitOnError)
	dir := flags.String("dir", "", "where it keeps its data")
	client := flags.String("client", "127.0.0.1:2379", "address for clients")
	peer := flags.String("peer", "127.0.0.1:2380", "address for members")
	compaction := flags.String("compaction", "0", "revisions that it keeps, 0 for all")
	flags.Parse(args)
	config := embed.NewConfig()
	config.Dir = *dir
	at := func(address string) []url.URL { return []url.URL{{Scheme: "http", Host: address}} }
	config.ListenClientUrls, config.AdvertiseClientUrls = at(*client), at(*client)
	config.ListenPeerUrls, config.AdvertisePeerUrls = at(*peer), at(*peer)
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	config.UnsafeNoFsync = true
	config.LogLevel = "error"
	config.AutoCompactionMode, config.AutoCompactionRetention = "revision", *compaction
	server, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	<-server.Server.StopNotify()
	return nil
}
