#include "devcluster/table.h"

#include <algorithm>

#include "base/clock.h"
#include "devcluster/builtin_columns.h"
#include "devcluster/json_path.h"

namespace slipway::sim {

namespace {

std::string Units(int64_t big, const char* big_unit, int64_t small, const char* small_unit) {
  std::string out = std::to_string(big) + big_unit;
  return small == 0 ? out : out + std::to_string(small) + small_unit;
}

Json Cell(const PrinterColumn& column, const Json& object, int64_t now_ms, bool builtin) {
  Json value =
      IsFunction(column) ? RunFunction(column, object, now_ms) : FindPath(object, column.path);
  if ((column.type == "date" && column.name != "Created At") || column.type == "age") {
    const int64_t at = value.is_string() ? ParseTime(value.AsString()) : -1;
    return at < 0 ? (value.is_null() && column.name != "Age" ? Json() : Json("<unknown>"))
                  : Json(HumanDuration(now_ms - at));
  }
  // Kubernetes' own counts are numbers: zero when nothing has been counted.
  if (value.is_null() && builtin)
    return column.type == "integer" || column.type == "count" ? Json(0) : Json("");
  if (value.is_null() || value.is_string() || column.type == "integer" || column.type == "number" ||
      column.type == "count")
    return value;
  if (column.type == "boolean") return value;
  return value.Dump();
}

Json Format(const PrinterColumn& column) {
  const bool name = column.name == "Name";
  return Json::Obj(
      {{"name", column.name},
       {"type", column.type == "age" || column.type == "count" ? "string" : column.type},
       {"format", name ? "name" : ""},
       {"description", column.description},
       {"priority", column.priority}});
}

Json Metadata(const Json& object) {
  return Json::Obj({{"kind", "PartialObjectMetadata"},
                    {"apiVersion", "meta.k8s.io/v1"},
                    {"metadata", object["metadata"]}});
}

}  // namespace

std::string HumanDuration(int64_t ms) {
  const int64_t seconds = ms / 1000;
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 60 * 2) return std::to_string(seconds) + "s";
  const int64_t minutes = seconds / 60;
  if (minutes < 10) return Units(minutes, "m", seconds % 60, "s");
  if (minutes < 60 * 3) return std::to_string(minutes) + "m";
  const int64_t hours = minutes / 60;
  if (hours < 8) return Units(hours, "h", minutes % 60, "m");
  if (hours < 48) return std::to_string(hours) + "h";
  const int64_t days = hours / 24;
  if (hours < 24 * 8) return Units(days, "d", hours % 24, "h");
  if (hours < 24 * 365 * 2) return std::to_string(days) + "d";
  if (hours < 24 * 365 * 8) return Units(days / 365, "y", days % 365, "d");
  return std::to_string(days / 365) + "y";
}

std::vector<PrinterColumn> TableColumns(const Kind& kind) {
  std::vector<PrinterColumn> out;
  if (kind.custom || kind.kind != "Event")
    out.push_back(
        {"Name", "string", ".metadata.name", "Name must be unique within a namespace.", 0});
  const std::vector<PrinterColumn> rest = kind.custom ? kind.columns : BuiltinColumns(kind.kind);
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

Json MakeTable(const Kind& kind, const std::vector<ObjectPtr>& objects, Json list_metadata,
               const TableRequest& request, int64_t now_ms) {
  const std::vector<PrinterColumn> columns = TableColumns(kind);
  Json definitions = request.headers ? Json::MakeArray() : Json();
  if (request.headers)
    for (const PrinterColumn& column : columns) definitions.Push(Format(column));
  Json rows = Json::MakeArray();
  for (const ObjectPtr& object : objects) {
    const Json value = object->Parse();
    Json cells = Json::MakeArray();
    for (const PrinterColumn& column : columns)
      cells.Push(Cell(column, value, now_ms, !kind.custom));
    Json row = Json::Obj({{"cells", std::move(cells)}});
    if (request.include == "Object") row.Set("object", value);
    if (request.include == "Metadata") row.Set("object", Metadata(value));
    if (request.include == "None") row.Set("object", Json());
    rows.Push(std::move(row));
  }
  // The real converter does the same for a kind of which it knows only the age.
  if (rows.empty() && columns.back().name == "Created At") rows = Json();
  return Json::Obj({{"kind", "Table"},
                    {"apiVersion", "meta.k8s.io/v1"},
                    {"metadata", std::move(list_metadata)},
                    {"columnDefinitions", std::move(definitions)},
                    {"rows", std::move(rows)}});
}

}  // namespace slipway::sim
