#include "options.h"

namespace mongodb {

namespace {

using enum ParameterType;

constexpr Parameter kAllowed[] = {
    {"version", kEnum, 0, 0, kVersions},
    // Memory and the storage engine. parameters.cc checks limits that depend on the instance's
    // size.
    {"storage.wiredTiger.engineConfig.cacheSizeGB", kReal, 250, 4096000},
    {"storage.wiredTiger.engineConfig.journalCompressor", kEnum, 0, 0, "none|snappy|zlib|zstd"},
    {"storage.wiredTiger.collectionConfig.blockCompressor", kEnum, 0, 0, "none|snappy|zlib|zstd"},
    {"storage.wiredTiger.indexConfig.prefixCompression", kBool},
    {"storage.journal.commitIntervalMs", kInt, 1, 500},
    // Replication.
    {"replication.oplogSizeMB", kInt, 990, 33554432},
    {"replication.oplogMinRetentionHours", kReal, 0, 8760000},
    // The network.
    {"net.maxIncomingConnections", kInt, 10, 65536},
    {"net.compression.compressors", kEnum, 0, 0,
     "disabled|snappy|zstd|zlib|snappy,zstd|snappy,zlib|zstd,snappy|snappy,zstd,zlib"},
    // Slow operations.
    {"operationProfiling.mode", kEnum, 0, 0, "off|slowOp|all"},
    {"operationProfiling.slowOpThresholdMs", kInt, 0, 3600000},
    {"operationProfiling.slowOpSampleRate", kReal, 0, 1000},
    // Logs.
    {"systemLog.verbosity", kInt, 0, 5},
    {"systemLog.quiet", kBool},
    // Behaviour.
    {"security.javascriptEnabled", kBool},
    {"setParameter.cursorTimeoutMillis", kInt, 1000, 86400000},
    {"setParameter.localLogicalSessionTimeoutMinutes", kInt, 1, 1440},
    {"setParameter.maxTransactionLockRequestTimeoutMillis", kInt, -1, 3600000},
    {"setParameter.notablescan", kBool},
    {"setParameter.transactionLifetimeLimitSeconds", kInt, 1, 86400},
    {"setParameter.ttlMonitorEnabled", kBool},
    {"setParameter.ttlMonitorSleepSecs", kInt, 1, 86400},
};

constexpr std::string_view kOperators = "the operator sets it itself";
constexpr std::string_view kLayout = "it decides how the data files are laid out for good";

constexpr Refused kRefused[] = {
    {"net.port", "clients, the Service and the network policy use 27017"},
    {"net.bindIp", kOperators},
    {"net.bindIpAll", kOperators},
    {"net.ipv6", "the network of the pods decides it"},
    {"net.tls.", "TLS is set up for the whole platform"},
    {"net.ssl.", "TLS is set up for the whole platform"},
    {"net.unixDomainSocket.", kOperators},
    {"storage.dbPath", "the volume is mounted at the operator's path"},
    {"storage.engine", kLayout},
    {"storage.directoryPerDB", kLayout},
    {"storage.wiredTiger.engineConfig.directoryForIndexes", kLayout},
    {"storage.wiredTiger.engineConfig.configString", "it goes past every check of mongod"},
    {"replication.replSet", kOperators},
    {"replication.replSetName", kOperators},
    {"security.authorization", "access control cannot be switched off"},
    {"security.keyFile", kOperators},
    {"security.clusterAuthMode", kOperators},
    {"security.transitionToAuth", "access control cannot be switched off"},
    {"security.enableEncryption", "MongoDB Community has no encryption of its files"},
    {"auditLog.", "MongoDB Community has no audit log"},
    {"sharding.", "the operator makes replica sets only"},
    {"processManagement.", kOperators},
    {"systemLog.destination", "the log goes to the container's output"},
    {"systemLog.path", "the log goes to the container's output"},
    {"setParameter.authenticationMechanisms", kOperators},
    {"setParameter.enableLocalhostAuthBypass", "access control cannot be switched off"},
    {"setParameter.enableTestCommands", "it opens commands that destroy data"},
};

}  // namespace

std::span<const Parameter> AllowedOptions() {
  return kAllowed;
}

std::span<const Refused> RefusedOptions() {
  return kRefused;
}

}  // namespace mongodb
