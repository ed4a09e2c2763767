// SPDX-License-Identifier: Apache-2.0
#include "server/host/check_host.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "core/io/file_limit.h"

namespace peal::host {
namespace {

/// A machine that is files in a folder; at first one that holds nothing back.
class Machine {
 public:
  Machine() {
    limit("Max open files", "1024", "1048576");
    write("/proc/self/status", "Name:\tpeald\nCpus_allowed_list:\t0-1,4\n");
    write("/proc/meminfo", "MemTotal:       65536000 kB\nMemAvailable:   64000000 kB\n");
    set("fs.nr_open", "1048576");
    set("fs.file-max", "9223372036854775807");
    set("fs.file-nr", "1376\t0\t9223372036854775807");
    set("fs.epoll.max_user_watches", "5000000");
    set("fs.inotify.max_user_instances", "128");
    set("fs.inotify.max_user_watches", "65536");
    set("net.core.somaxconn", "65535");
    set("net.ipv4.tcp_syncookies", "1");
    set("net.ipv4.tcp_max_syn_backlog", "128");
    set("net.ipv4.ip_local_port_range", "32768\t60999");
    set("net.ipv4.tcp_mem", "1000000\t2000000\t3000000");
    set("net.ipv4.tcp_rmem", "4096\t131072\t1048576");
    set("net.ipv4.tcp_wmem", "4096\t16384\t1048576");
    set("vm.max_map_count", "65530");
    set("kernel.io_uring_disabled", "0");
    config.limits.connections = 100'000;
    config.limits.route.queue_size = 64 << 10;
    config.limits.route.message_size = 64 << 10;
    config.listen = {{"public", "0.0.0.0", 80, {}}};
  }
  ~Machine() { std::filesystem::remove_all(root_); }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  void write(const std::string& path, const std::string& text) const {
    const std::filesystem::path file = root_.string() + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  void set(std::string name, const std::string& value) const {
    std::ranges::replace(name, '.', '/');
    write("/proc/sys/" + name, value + '\n');
  }
  void limit(const std::string& name, const std::string& soft, const std::string& hard) const {
    write("/proc/self/limits", "Limit                     Soft Limit           Hard Limit\n" +
                                   name + "            " + soft + "         " + hard +
                                   "      files\n");
  }
  Host host() const { return Host(root_); }
  std::vector<Finding> findings() const { return check_host(config, host(), probes); }

  /// The one finding that there is.
  Finding finding() const {
    const auto all = findings();
    for (const Finding& found : all) CAPTURE(found.is);
    REQUIRE(all.size() == 1);
    return all.front();
  }

  config::Config config;
  Probes probes{.uring = {}, .user = "peal", .unreadable = {}};

 private:
  std::filesystem::path root_ =
      std::filesystem::temp_directory_path() / ("peal-host-test-" + std::to_string(::getpid()));
};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("Host: reads what proc(5) has") {
  const Machine machine;
  const Host host = machine.host();
  CHECK(host.cpus() == 3);
  CHECK(host.hard_limit("Max open files") == 1'048'576);
  CHECK_FALSE(host.hard_limit("Max locked memory"));
  CHECK(host.memory_available() == 64'000'000ull << 10);
  CHECK(host.settings("net.ipv4.tcp_mem") ==
        std::vector<std::uint64_t>{1'000'000, 2'000'000, 3'000'000});
  CHECK(host.setting("fs.file-nr") == 1376);
  CHECK_FALSE(host.setting("net.netfilter.nf_conntrack_max"));
  machine.limit("Max open files", "1024", "unlimited");
  CHECK(host.hard_limit("Max open files") == kUnlimited);
}

TEST_CASE("Host: nothing that can be read is no value, and one CPU") {
  const Host host("/nowhere");
  CHECK(host.cpus() == 1);
  CHECK_FALSE(host.hard_limit("Max open files"));
  CHECK_FALSE(host.memory_available());
  CHECK_FALSE(host.cgroup_memory());
  CHECK_FALSE(host.cgroup_cpu());
}

TEST_CASE("Host: the least limit of all cgroups above the process") {
  const Machine machine;
  machine.write("/proc/self/cgroup", "0::/a.slice/b.service\n");
  machine.write("/sys/fs/cgroup/a.slice/b.service/memory.max", "max\n");
  machine.write("/sys/fs/cgroup/a.slice/b.service/cpu.max", "max 100000\n");
  CHECK(machine.host().cgroup_memory() == kUnlimited);
  CHECK_FALSE(machine.host().cgroup_cpu());
  machine.write("/sys/fs/cgroup/a.slice/memory.max", "1073741824\n");
  machine.write("/sys/fs/cgroup/a.slice/cpu.max", "150000 100000\n");
  CHECK(machine.host().cgroup_memory() == 1 << 30);
  CHECK(machine.host().cgroup_cpu() == 1500);
}

TEST_CASE("Host: cgroups of version 1, as a container sees its own at the root") {
  const Machine machine;
  machine.write("/proc/self/cgroup", "5:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n0::/\n");
  machine.write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n");
  machine.write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  machine.write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  CHECK(machine.host().cgroup_memory() == 512 << 20);
  CHECK_FALSE(machine.host().cgroup_cpu());
  machine.write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "50000\n");
  CHECK(machine.host().cgroup_cpu() == 500);
}

TEST_CASE("demand_of: as many connections as the limit of open files leaves, unless it is said") {
  Machine machine;
  CHECK(demand_of(machine.config, machine.host()).connections == 100'000);
  machine.config.limits.connections = 0;
  const Demand demand = demand_of(machine.config, machine.host());
  CHECK(demand.connections == 1'048'576 - 512);
  CHECK(demand.reactors == 3);
  // What is wanted is what there is: nothing asks for more than it gives.
  CHECK(demand.open_files == 1'048'576);
}

TEST_CASE("demand_of: the limit of open files that is wanted leaves room for all connections") {
  Machine machine;
  for (const std::uint64_t connections : {1, 15, 300, 5'000, 100'000}) {
    CAPTURE(connections);
    machine.config.limits.connections = connections;
    const std::uint64_t files = demand_of(machine.config, machine.host()).open_files;
    CHECK(io::most_connections(files, 0) >= connections);
  }
}

TEST_CASE("check_host: a machine that holds nothing back") {
  const Machine machine;
  for (const Finding& found : machine.findings()) FAIL_CHECK(found.is);
  const std::string text =
      report("p.toml", demand_of(machine.config, machine.host()), machine.findings());
  CHECK(text.starts_with("p.toml: 100000 connections on 3 reactors, "));
  CHECK(text.ends_with("nothing on this machine holds it back\n"));
}

TEST_CASE("check_host: a machine of which nothing is known") {
  const Machine machine;
  CHECK(check_host(machine.config, Host("/nowhere"), machine.probes).size() == 0);
}

TEST_CASE("check_host: each thing that is too small is told, with what is, is wanted and helps") {
  struct Row {
    const char* name;
    const char* value;
    const char* is;
    const char* wanted;
    const char* fix;
  };
  constexpr Row kRows[] = {
      {"fs.nr_open", "65536", "fs.nr_open is 65536", "at least 100512",
       "sysctl -w fs.nr_open=100512"},
      {"fs.file-max", "100000", "fs.file-max is 100000", "at least 101888",
       "sysctl -w fs.file-max=101888"},
      {"net.core.somaxconn", "4096", "net.core.somaxconn is 4096", "at least 33333",
       "sysctl -w net.core.somaxconn=33333"},
      {"net.netfilter.nf_conntrack_max", "65536", "net.netfilter.nf_conntrack_max is 65536",
       "at least 125000", "sysctl -w net.netfilter.nf_conntrack_max=125000"},
      {"net.ipv4.tcp_mem", "10000 20000 3000000", "begins to save at 20000 pages",
       "at least 100000", "sysctl -w net.ipv4.tcp_mem=\"75000 100000 150000\""},
      {"net.ipv4.tcp_wmem", "4096 16384 67108864",
       "net.ipv4.tcp_wmem lets a buffer grow to 67108864", "at most 12288000",
       "sysctl -w net.ipv4.tcp_wmem=\"4096 16384 12288000\""},
      {"net.ipv4.tcp_rmem", "4096 131072 67108864", "net.ipv4.tcp_rmem lets a buffer grow",
       "at most 12288000", "sysctl -w net.ipv4.tcp_rmem=\"4096 131072 12288000\""},
      {"vm.max_map_count", "1000", "vm.max_map_count is 1000", "at least 1216",
       "sysctl -w vm.max_map_count=1216"},
  };
  for (const Row& row : kRows) {
    CAPTURE(row.name);
    const Machine machine;
    machine.set(row.name, row.value);
    const Finding found = machine.finding();
    CHECK_MESSAGE(has(found.is, row.is), found.is);
    CHECK(found.wanted == row.wanted);
    CHECK(found.fix == row.fix);
    CHECK_FALSE(found.why.empty());
  }
}

TEST_CASE("check_host: open files") {
  Machine machine;
  machine.limit("Max open files", "1024", "65536");
  const Finding found = machine.finding();
  CHECK(found.is == "the hard limit of open files is 65536");
  CHECK(found.wanted == "at least 100512");
  CHECK(found.fix.starts_with("LimitNOFILE=100512 in the unit"));
  machine.config.limits.connections = 0;
  CHECK(machine.findings().size() == 0);
  machine.limit("Max open files", "1024", "4096");
  CHECK(machine.finding().wanted == "at least 65536");
}

TEST_CASE("check_host: one queue where a listener is no IP address of ours") {
  Machine machine;
  machine.set("net.core.somaxconn", "33333");
  CHECK(machine.findings().size() == 0);
  machine.config.listen.push_back({.name = "s", .host = {}, .routes = {}, .activation = "public"});
  CHECK(machine.finding().wanted == "at least 65535");
}

TEST_CASE("check_host: the backlog of handshakes counts without SYN cookies only") {
  const Machine machine;
  machine.set("net.ipv4.tcp_syncookies", "0");
  CHECK(machine.finding().fix == "sysctl -w net.ipv4.tcp_max_syn_backlog=33333");
}

TEST_CASE("check_host: local ports count where a balancer of this machine is trusted") {
  Machine machine;
  machine.config.listen[0].forwarded = {config::ForwardedHeader::x_forwarded_for, {"10.0.0.0/8"}};
  CHECK(machine.findings().size() == 0);
  machine.config.listen[0].forwarded.trust = {"unix", "127.0.0.0/8"};
  CHECK(machine.finding().is == "net.ipv4.ip_local_port_range has 28232 ports");
  machine.config.listen[0].host.clear();
  machine.config.listen[0].path = "/run/peal.sock";
  for (const Finding& found : machine.findings()) CHECK_FALSE(has(found.is, "port_range"));
}

TEST_CASE("check_host: memory, of the machine and of its cgroup") {
  Machine machine;
  machine.write("/proc/meminfo", "MemAvailable: 400000 kB\n");
  Finding found = machine.finding();
  CHECK(found.is == "memory that is available is 391 MiB");
  const std::uint64_t whole = demand_of(machine.config, machine.host()).memory();
  CHECK(found.wanted == "at least " + std::to_string((whole >> 20) + 1) + " MiB");
  CHECK(has(found.fix, "limits.connections = "));
  CHECK(has(found.why, "100000 connections at rest 473 MiB, full queues of one in 100 of them 63"));
  CHECK_FALSE(has(found.why, "histories"));
  machine.config.topics = {{"news", "news/**", config::History{.size = 5}, 0}};
  CHECK(has(machine.finding().why, "histories 256 MiB"));
  machine.write("/proc/meminfo", "MemAvailable: 64000000 kB\n");
  machine.write("/proc/self/cgroup", "0::/x\n");
  machine.write("/sys/fs/cgroup/x/memory.max", "104857600\n");
  found = machine.finding();
  CHECK(found.is == "the cgroup's limit of memory is 100 MiB");
  CHECK(has(found.fix, "smaller limits.history_memory"));
}

TEST_CASE("check_host: CPUs") {
  Machine machine;
  machine.config.server.threads = 3;
  CHECK(machine.findings().size() == 0);
  machine.config.server.threads = 8;
  CHECK(machine.finding().fix.starts_with("server.threads = 3"));
  machine.config.server.threads = 2;
  machine.write("/proc/self/cgroup", "0::/x\n");
  machine.write("/sys/fs/cgroup/x/cpu.max", "150000 100000\n");
  const Finding found = machine.finding();
  CHECK(found.is == "the cgroup's quota is 1.5 CPUs");
  CHECK(found.fix == "CPUQuota=200% in the unit, or server.threads = 1");
}

TEST_CASE("check_host: io_uring, and epoll's watches where there is none") {
  Machine machine;
  machine.probes.uring = "epoll, because io_uring cannot be used: EPERM";
  machine.set("kernel.io_uring_disabled", "2");
  CHECK(machine.finding().fix.starts_with("sysctl -w kernel.io_uring_disabled=0"));
  machine.set("kernel.io_uring_disabled", "0");
  machine.probes.uring += " (a seccomp filter forbids it)";
  CHECK(machine.finding().fix.starts_with("a seccomp profile"));
  machine.config.server.io = config::IoChoice::epoll;
  CHECK(machine.findings().size() == 0);
  machine.set("fs.epoll.max_user_watches", "50000");
  CHECK(machine.finding().is == "fs.epoll.max_user_watches is 50000");
}

TEST_CASE("check_host: files that are read, and watched") {
  Machine machine;
  machine.set("fs.inotify.max_user_watches", "10");
  machine.set("fs.inotify.max_user_instances", "1");
  CHECK(machine.findings().size() == 0);  // nothing to watch
  machine.config.routes.emplace_back().auth = config::Auth{"/etc/peal/secrets/publish"};
  CHECK(machine.findings().size() == 2);
  machine.set("fs.inotify.max_user_instances", "128");
  CHECK(machine.finding().wanted == "at least 68");
  machine.set("fs.inotify.max_user_watches", "65536");
  machine.probes.unreadable = {"/etc/peal/secrets/publish"};
  CHECK(machine.finding().is == "not readable for peal: /etc/peal/secrets/publish");
}

TEST_CASE("report: a line for each finding") {
  Machine machine;
  machine.config.limits.connections = 0;
  machine.set("net.core.somaxconn", "128");
  const std::string text =
      report("p.toml", demand_of(machine.config, machine.host()), machine.findings());
  CHECK(has(text, "p.toml: 1048064 connections (limits.connections = 0) on 3 reactors, "));
  CHECK(has(text,
            "\nnet.core.somaxconn is 128; wanted: at least 65535; do: sysctl -w "
            "net.core.somaxconn=65535; why: clients"));
  CHECK(text.ends_with(" on this machine would hold it back\n"));
}

TEST_CASE("files_of: certificates, keys, roots and tokens, each once") {
  config::Config config;
  config.listen = {{"a", "::1", 1, {}, config::Tls{{{"c", "k"}, {"c2", "k"}}, "ca", {}}},
                   {"b", "::1", 2, {}}};
  config.routes.emplace_back().auth = config::Auth{"tokens"};
  CHECK(files_of(config) == std::vector<std::string>{"c", "c2", "ca", "k", "tokens"});
}

}  // namespace
}  // namespace peal::host
