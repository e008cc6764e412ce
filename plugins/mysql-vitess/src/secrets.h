// The Secrets of an instance.
#pragma once
#include <string>

#include "spec.h"

namespace vitess {

std::string CredentialsName(const Instance& instance);

// users.json for vtgate, init_db.sql for mysqld, and the credentials that the user is shown.
Json Secrets(const Database& database);

}  // namespace vitess
