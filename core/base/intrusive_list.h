// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/check.h"

namespace peal {

/// A place in an IntrusiveList: a base of what is linked. Unlinks itself on destruction.
template <class T>
class ListHook {
 public:
  ListHook() = default;
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;
  ~ListHook() { unlink(); }

  bool linked() const { return next_ != nullptr; }

  void unlink() {
    if (!next_) return;
    next_->prev_ = prev_;
    prev_->next_ = next_;
    next_ = prev_ = nullptr;
  }

 private:
  template <class>
  friend class IntrusiveList;
  ListHook* next_ = nullptr;
  ListHook* prev_ = nullptr;
};

/// A first-in first-out list that allocates nothing. It does not own what it links.
template <class T>
class IntrusiveList {
 public:
  IntrusiveList() { head_.next_ = head_.prev_ = &head_; }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;
  ~IntrusiveList() {
    while (pop_front()) {
    }
  }

  bool empty() const { return head_.next_ == &head_; }

  /// Requires: `item` is in no list.
  void push_back(T& item) {
    ListHook<T>& hook = item;
    PEAL_DCHECK(!hook.linked());
    hook.prev_ = head_.prev_;
    hook.next_ = &head_;
    head_.prev_->next_ = &hook;
    head_.prev_ = &hook;
  }

  /// Requires: `item` is in no list.
  void push_front(T& item) {
    ListHook<T>& hook = item;
    PEAL_DCHECK(!hook.linked());
    hook.prev_ = &head_;
    hook.next_ = head_.next_;
    head_.next_->prev_ = &hook;
    head_.next_ = &hook;
  }

  /// The last one; null when empty.
  T* back() { return empty() ? nullptr : static_cast<T*>(head_.prev_); }
  /// The first one; null when empty.
  T* front() { return empty() ? nullptr : static_cast<T*>(head_.next_); }

  /// Unlinks and returns the first; null when empty.
  T* pop_front() {
    if (empty()) return nullptr;
    ListHook<T>* hook = head_.next_;
    hook->unlink();
    return static_cast<T*>(hook);
  }

 private:
  ListHook<T> head_;
};

}  // namespace peal
