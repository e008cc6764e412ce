// The settings of this engine in its file in engines.d.
#pragma once
#include <string>
#include <string_view>

#include "kit.h"

namespace vitess {

struct Settings {
  // For Vitess and for mysqld: one image holds the Vitess programs, MySQL and xtrabackup in
  // versions that fit each other.
  std::string image = "vitess/lite:v24.0.3";
  std::string mysqld_exporter_image = "prom/mysqld-exporter:v0.18.0";
  std::string etcd_image;            // empty: the operator's default
  std::string mysql_server_version;  // vtgate tells it to its clients; empty: its own
  std::string storage_class;         // empty: the cluster's default
  std::string operator_namespace;    // empty: any
  std::string monitoring_namespace = "monitoring";
  Json tolerations;  // of all pods; null: none

  // Throws slipway::Error INVALID with the setting at fault.
  static Settings Parse(std::string_view config);
};

}  // namespace vitess
