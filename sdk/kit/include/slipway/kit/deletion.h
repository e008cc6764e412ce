// Takes an instance down in an order, whatever state it is in.
#pragma once
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include <slipway/kit/json.h>
#include <slipway/kit/verdict.h>

namespace slipway::kit {

// The progress of an object that is still there; names its finalizers if they hold it.
Judgement StillThere(const Json& object, int percent);

// The stage RESOURCE_DELETION. An engine states its order, one call per step. The first step that
// has something to delete or to wait for decides the answer; the later ones do nothing.
class Teardown {
 public:
  explicit Teardown(const Json& input);

  bool Settled() const { return judgement_.has_value(); }

  // Deletes every object of `kinds` in the inventory, in that order.
  void Delete(std::initializer_list<const char*> kinds, const char* reason,
              const std::string& message, int percent);
  // Deletes the remaining objects of `kinds` in the inventory.
  void DeleteRest(std::initializer_list<const char*> kinds);
  // Deletes the object that the operator serves and waits until it is gone; `observed` may be null.
  void DeleteServed(const char* kind, const Json* observed, const char* reason, int percent);
  // Deletes observed objects that nobody owns, and waits until they are gone.
  void DeleteObserved(const std::vector<const Json*>& objects, int percent);
  // Waits until the objects are gone.
  void Await(const std::vector<const Json*>& objects, int percent);
  void Await(const Json* object, int percent);
  // Waits for anything else.
  void Await(std::optional<Judgement> judgement);

  Json Answer() const;

 private:
  std::vector<const Json*> OfKind(const char* kind) const;

  const Json& inventory_;
  Json deletions_ = Json::Arr();
  std::optional<Judgement> judgement_;
};

}  // namespace slipway::kit
