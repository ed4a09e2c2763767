// SPDX-License-Identifier: Apache-2.0
#include "core/tls/record_layer.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/tls/openssl.h"

namespace peal::tls {

enum class RecordLayer::Alert : std::uint8_t {
  close_notify = 0,
  unexpected_message = 10,
  bad_record_mac = 20,
  record_overflow = 22,
  decode_error = 50,
  user_canceled = 90,
  no_renegotiation = 100,
};

namespace {

constexpr std::size_t kHeaderSize = kRecordHeaderSize;
constexpr std::size_t kExplicitNonceSize = 8;
constexpr std::uint8_t kWarning = 1;
constexpr std::uint8_t kFatal = 2;

// RFC 8446 section 5.5 allows 2^24.5 full records under one key with AES-GCM.
constexpr std::uint64_t kRecordsPerKey = 1 << 24;
// More key updates without data between them are an attack on the CPU.
constexpr std::uint8_t kMaxUpdates = 32;
// Each has an answer, which a peer that does not read would pile up here.
constexpr std::uint8_t kMaxRenegotiations = 4;

constexpr std::size_t kKeyUpdateSize = 5;
constexpr std::byte kNewSessionTicket{4};
constexpr std::array<std::byte, 4> kKeyUpdateHeader = {std::byte{24}, std::byte{0}, std::byte{0},
                                                       std::byte{1}};

using Nonce = std::array<std::byte, kNonceSize>;

// RFC 8446 section 5.2, RFC 5246 section 6.2.3.
std::size_t max_length(Version version) {
  return kMaxContent + (version == Version::tls13 ? 256 : 2048);
}

/// Octets of the nonce that travel with a record.
std::size_t explicit_nonce_size(Version version, const TrafficKey& key) {
  const bool travels = version == Version::tls12 && key.aead != Aead::chacha20_poly1305;
  return travels ? kExplicitNonceSize : 0;
}

/// RFC 8446 section 5.3, RFC 7905 section 2.
Nonce implicit_nonce(const TrafficKey& key) {
  Nonce nonce = key.iv;
  std::byte* low = nonce.data() + kNonceSize - sizeof key.sequence;
  store_be(low, load_be<std::uint64_t>(low) ^ key.sequence);
  return nonce;
}

/// RFC 5288 section 3.
Nonce explicit_nonce(const TrafficKey& key, Bytes travelling) {
  Nonce nonce = key.iv;
  std::ranges::copy(travelling, nonce.end() - kExplicitNonceSize);
  return nonce;
}

/// What the tag covers beside the content.
struct AdditionalData {
  std::array<std::byte, 13> octets{};
  std::size_t size = 0;

  /// RFC 8446 section 5.2: the header; RFC 5246 section 6.2.3.3: the sequence number, and the
  /// header as it would be without protection.
  AdditionalData(Version version, std::uint64_t sequence, Bytes header, std::size_t content_size) {
    if (version == Version::tls12) {
      store_be(octets.data(), sequence);
      size = sizeof sequence;
    }
    std::ranges::copy(header.first(kHeaderSize), octets.begin() + size);
    size += kHeaderSize;
    if (version == Version::tls12)
      store_be(octets.data() + size - 2, static_cast<std::uint16_t>(content_size));
  }

  operator Bytes() const { return Bytes(octets).first(size); }
};

std::size_t sealed_size(std::size_t content_size) {
  constexpr std::size_t kMost = kHeaderSize + kExplicitNonceSize + 1 + kTagSize;
  return content_size + (content_size / kMaxContent + 1) * kMost;
}

}  // namespace

std::size_t RecordLayer::read(Bytes& input, MutableBytes plaintext, std::size_t* records) {
  std::size_t done = take_leftover(plaintext);
  const auto fits = [this](Bytes header) { return record_length(header) <= max_length(version_); };
  while (state_ == State::open && done < plaintext.size() && (!records || *records > 0)) {
    const Bytes record = buffer_->next(input, fits);
    if (record.empty()) break;
    if (records) --*records;
    done += open(record, plaintext.subspan(done));
    buffer_->release();
  }
  return done;
}

/// Acts on a record; returns the octets of application data written to `plaintext`.
std::size_t RecordLayer::open(Bytes record, MutableBytes plaintext) {
  if (record_length(record) > max_length(version_)) {
    fail(Alert::record_overflow);
    return 0;
  }
  const std::size_t around = kHeaderSize + explicit_nonce_size(version_, in_.key) + kTagSize;
  auto type = static_cast<Type>(record_type(record));
  if (version_ == Version::tls13 && type != Type::application_data) {
    fail(Alert::unexpected_message);
    return 0;
  }
  std::size_t size = record.size() < around ? 0 : record.size() - around;
  const bool fits = size <= plaintext.size();
  if (!fits) leftover_ = pool_->take(size);
  MutableBytes content = fits ? plaintext.first(size) : MutableBytes(leftover_->data(), size);
  leftover_begin_ = leftover_end_ = 0;
  if (record.size() < around || !unseal(record, content)) {
    fail(Alert::bad_record_mac);
    return 0;
  }
  if (version_ == Version::tls13) {
    // The type is the last octet that is not padding (RFC 8446 section 5.4).
    while (size > 0 && content[size - 1] == std::byte{0}) --size;
    type = size > 0 ? static_cast<Type>(content[--size]) : Type{};
    content = content.first(size);
  }
  if (size > kMaxContent) {
    fail(Alert::record_overflow);
    return 0;
  }
  if ((message_size_ > 0 || ticket_left_ > 0) && type != Type::handshake) type = Type{};
  switch (type) {
    case Type::application_data:
      if (size > 0) updates_ = 0;
      if (fits) return size;
      leftover_end_ = static_cast<std::uint32_t>(size);
      return take_leftover(plaintext);
    case Type::alert:
      on_alert(content);
      break;
    case Type::handshake:
      on_handshake(content);
      break;
    default:
      fail(Alert::unexpected_message);
  }
  pool_->give(std::exchange(leftover_, nullptr));
  return 0;
}

/// Decrypts what is between nonce and tag. False: it is not what the peer sealed.
bool RecordLayer::unseal(Bytes record, MutableBytes to) {
  const std::size_t nonce_size = explicit_nonce_size(version_, in_.key);
  const Bytes travelling = record.subspan(kHeaderSize, nonce_size);
  const Bytes sealed = record.subspan(kHeaderSize + nonce_size, to.size());
  AeadRun run(in_.key,
              nonce_size > 0 ? explicit_nonce(in_.key, travelling) : implicit_nonce(in_.key),
              AeadRun::Way::open, AdditionalData(version_, in_.key.sequence, record, to.size()));
  run.process(sealed, to);
  ++in_.key.sequence;
  return run.finish_open(record.last<kTagSize>());
}

std::size_t RecordLayer::take_leftover(MutableBytes plaintext) {
  if (!leftover_) return 0;
  const std::size_t size = std::min<std::size_t>(plaintext.size(), leftover_end_ - leftover_begin_);
  if (size > 0) std::memcpy(plaintext.data(), leftover_->data() + leftover_begin_, size);
  leftover_begin_ += static_cast<std::uint32_t>(size);
  if (leftover_begin_ == leftover_end_) pool_->give(std::exchange(leftover_, nullptr));
  return size;
}

void RecordLayer::on_alert(Bytes content) {
  if (content.size() != 2) return fail(Alert::decode_error);
  const auto level = static_cast<std::uint8_t>(content[0]);
  const auto alert = static_cast<Alert>(content[1]);
  if (alert == Alert::close_notify) {
    state_ = State::ended;
  } else if (alert != Alert::user_canceled && (version_ == Version::tls13 || level != kWarning)) {
    // RFC 8446 section 6.2: whatever the level says, it is an error, and gets no answer.
    state_ = State::failed;
    failure_ = reason_of_alert(std::to_underlying(alert));
  }
}

void RecordLayer::on_handshake(Bytes content) {
  if (version_ == Version::tls12) {
    if (++renegotiations_ > kMaxRenegotiations) return fail(Alert::no_renegotiation);
    return send_alert(kWarning, Alert::no_renegotiation);
  }
  if (tickets_ && !content.empty()) {
    content = skip_tickets(content);
    if (content.empty()) return;
  }
  // RFC 8446 section 5.1: no empty pieces, and nothing behind what changes the key.
  if (content.empty() || content.size() > kKeyUpdateSize - message_size_)
    return fail(Alert::unexpected_message);
  std::ranges::copy(content, message_.begin() + message_size_);
  message_size_ = static_cast<std::uint8_t>(message_size_ + content.size());
  if (message_size_ < kKeyUpdateSize) return;
  message_size_ = 0;
  if (!std::ranges::equal(Bytes(message_).first(kKeyUpdateHeader.size()), kKeyUpdateHeader))
    return fail(Alert::unexpected_message);
  on_key_update(message_.back());
}

/// Takes tickets, and pieces of them, off the front (RFC 8446 section 4.6.1).
Bytes RecordLayer::skip_tickets(Bytes content) {
  while (!content.empty()) {
    const auto size = std::min<std::size_t>(ticket_left_, content.size());
    ticket_left_ -= static_cast<std::uint32_t>(size);
    content = content.subspan(size);
    if (content.empty()) break;
    if ((message_size_ > 0 ? message_[0] : content[0]) != kNewSessionTicket) break;
    message_[message_size_++] = content[0];
    content = content.subspan(1);
    if (message_size_ < kMessageHeaderSize) continue;
    ticket_left_ = load_be<std::uint32_t>(message_.data()) & 0xffffff;
    message_size_ = 0;
  }
  return content;
}

void RecordLayer::on_key_update(std::byte request) {
  if (request > std::byte{1}) return fail(Alert::decode_error);
  if (++updates_ > kMaxUpdates) return fail(Alert::unexpected_message);
  in_.secret = next_secret(in_.secret, in_.key.aead);
  in_.key = derive_key(in_.secret, in_.key.aead);
  if (request == std::byte{1}) update_owed_ = true;
}

/// Tells the peer and goes over to the next key (RFC 8446 section 4.6.3).
void RecordLayer::update_out_key() {
  std::array<std::byte, kKeyUpdateSize> message{};
  std::ranges::copy(kKeyUpdateHeader, message.begin());
  seal(Type::handshake, message);
  out_.secret = next_secret(out_.secret, out_.key.aead);
  out_.key = derive_key(out_.secret, out_.key.aead);
  update_owed_ = false;
}

void RecordLayer::write(Bytes plaintext) {
  if (version_ == Version::tls13 && (update_owed_ || out_.key.sequence >= kRecordsPerKey))
    update_out_key();
  wire_->expect_output(sealed_size(plaintext.size()));
  while (!plaintext.empty()) {
    const std::size_t size = std::min(plaintext.size(), kMaxContent);
    seal(Type::application_data, plaintext.first(size));
    plaintext = plaintext.subspan(size);
  }
}

void RecordLayer::shut_down() {
  if (state_ == State::failed) return;
  send_alert(kWarning, Alert::close_notify);
  shut_down_ = true;
}

void RecordLayer::seal(Type type, Bytes content) {
  const bool hides_type = version_ == Version::tls13;
  const std::size_t nonce_size = explicit_nonce_size(version_, out_.key);
  std::array<std::byte, kHeaderSize + kExplicitNonceSize> head;
  head[0] = static_cast<std::byte>(hides_type ? Type::application_data : type);
  store_be(head.data() + 1, std::uint16_t{TLS1_2_VERSION});
  store_be(head.data() + 3,
           static_cast<std::uint16_t>(nonce_size + content.size() + hides_type + kTagSize));
  // OpenSSL's Finished had a random one; among 2^64 we do not meet it.
  store_be(head.data() + kHeaderSize, out_.key.sequence);
  wire_->write(Bytes(head).first(kHeaderSize + nonce_size));

  const Bytes travelling = Bytes(head).last(kExplicitNonceSize);
  AeadRun run(
      out_.key, nonce_size > 0 ? explicit_nonce(out_.key, travelling) : implicit_nonce(out_.key),
      AeadRun::Way::seal, AdditionalData(version_, out_.key.sequence, head, content.size()));
  const auto add = [&](Bytes from) {
    while (!from.empty()) {
      const MutableBytes room = wire_->room();
      const std::size_t size = std::min(room.size(), from.size());
      run.process(from.first(size), room);
      wire_->wrote(size);
      from = from.subspan(size);
    }
  };
  add(content);
  const std::array<std::byte, 1> inner_type = {static_cast<std::byte>(type)};
  if (hides_type) add(inner_type);
  std::array<std::byte, kTagSize> tag;
  run.finish_seal(tag);
  wire_->write(tag);
  ++out_.key.sequence;
}

void RecordLayer::send_alert(std::uint8_t level, Alert alert) {
  if (shut_down_) return;  // close_notify was the last thing to say
  const std::array<std::byte, 2> content = {std::byte{level}, static_cast<std::byte>(alert)};
  wire_->expect_output(sealed_size(content.size()));
  seal(Type::alert, content);
}

void RecordLayer::fail(Alert alert) {
  state_ = State::failed;
  failure_ = SSL_alert_desc_string_long(std::to_underlying(alert));
  send_alert(kFatal, alert);
}

}  // namespace peal::tls
