using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using PcieOe.Daemon.Metrics;
using Xunit;

namespace PcieOe.Daemon.Tests.Metrics;

public sealed class MetricsTests
{
    private const string Status = """
        {
          "ok": true, "daemon": "pcieoe-host", "name": "a \"name\"\\",
          "process": { "pid": 7, "uptime_s": 12.5, "memory_mib": 2, "gc": { "pause_us": 1500 } },
          "port": { "name": "eth1", "state": "up", "frames_sent": 42, "mtu": 9000 },
          "attachments": [
            { "name": "flash0", "state": "up", "keyed": true, "link": { "rtt_us": 12.5, "drops": { "replayed": 3 } },
              "hops": { "sampled": 10, "hops": [ { "name": "wire-out", "count": 10, "mean": 2, "p50": 1.5, "p99": 4, "p99.9": 5, "max": 9 } ] } },
            { "name": "flash1", "state": "down", "keyed": false, "link": { "rtt_us": 20, "drops": { "replayed": 0 } } }
          ],
          "hops": [ { "tenant": "t", "opcode": 2, "retransmitted": true, "sampled": 10, "hops": [ { "name": "target-rx", "count": 10, "mean": 2, "p50": 1.5, "buckets": [3, 10] } ] } ],
          "gatekeeper": { "tenants": [ { "name": "t", "egress": { "achieved_mbps": 1.5 } } ] },
          "nested_qos": { "capacity_iops": 20000, "tenants": [ { "name": "web", "weight": 2, "classes": [
            { "name": "gold", "deadline_ms": 5, "missed": 4, "waiting_us": { "count": 1, "mean": 2, "p50": 2, "p99": 2 } } ] } ] }
        }
        """;

    private static JsonObject Sample => JsonNode.Parse(Status)!.AsObject();

    [Theory]
    [InlineData("pcieoe_up{daemon=\"pcieoe-host\",agent=\"a \\\"name\\\"\\\\\"} 1")]
    [InlineData("pcieoe_process_uptime_seconds{A} 12.5")]
    [InlineData("pcieoe_process_memory_bytes{A} 2097152")]
    [InlineData("pcieoe_process_gc_pause_seconds_total{A} 0.0015")]
    [InlineData("pcieoe_port_frames_sent_total{A} 42")]
    [InlineData("pcieoe_port_mtu{A} 9000")]
    [InlineData("pcieoe_port_state{A,is=\"up\"} 1")]
    [InlineData("pcieoe_attachments_keyed{A,attachment=\"flash0\"} 1")]
    [InlineData("pcieoe_attachments_keyed{A,attachment=\"flash1\"} 0")]
    [InlineData("pcieoe_attachments_state{A,attachment=\"flash1\",is=\"down\"} 1")]
    [InlineData("pcieoe_attachments_link_rtt_seconds{A,attachment=\"flash1\"} 2E-05")]
    [InlineData("pcieoe_attachments_link_drops_replayed_total{A,attachment=\"flash0\"} 3")]
    [InlineData("pcieoe_attachments_hops_hops_seconds{A,attachment=\"flash0\",hop=\"wire-out\",quantile=\"0.99\"} 4E-06")]
    [InlineData("pcieoe_attachments_hops_hops_seconds_sum{A,attachment=\"flash0\",hop=\"wire-out\"} 2E-05")]
    [InlineData("pcieoe_attachments_hops_hops_seconds_count{A,attachment=\"flash0\",hop=\"wire-out\"} 10")]
    [InlineData("pcieoe_nested_qos_capacity_iops{A} 20000")]
    [InlineData("pcieoe_nested_qos_tenants_weight{A,tenant=\"web\"} 2")]
    [InlineData("pcieoe_nested_qos_tenants_classes_deadline_seconds{A,tenant=\"web\",class=\"gold\"} 0.005")]
    [InlineData("pcieoe_nested_qos_tenants_classes_missed_total{A,tenant=\"web\",class=\"gold\"} 4")]
    [InlineData("pcieoe_nested_qos_tenants_classes_waiting_seconds{A,tenant=\"web\",class=\"gold\",quantile=\"0.99\"} 2E-06")]
    [InlineData("# TYPE pcieoe_attachments_hops_hops_seconds summary")]
    [InlineData("# TYPE pcieoe_hops_hops_seconds histogram")]
    [InlineData("pcieoe_hops_hops_seconds_bucket{A,hop_tenant=\"t\",hop_opcode=\"2\",hop_retransmitted=\"true\",hop=\"target-rx\",le=\"1E-07\"} 3")]
    [InlineData("pcieoe_hops_hops_seconds_bucket{A,hop_tenant=\"t\",hop_opcode=\"2\",hop_retransmitted=\"true\",hop=\"target-rx\",le=\"+Inf\"} 10")]
    [InlineData("pcieoe_gatekeeper_tenants_egress_achieved_bits_per_second{A,tenant=\"t\"} 1500000")]
    [InlineData("# TYPE pcieoe_port_frames_sent_total counter")]
    [InlineData("# TYPE pcieoe_port_mtu gauge")]
    public void Text_OfAStatus_HasTheSample(string line)
    {
        string expected = line.Replace("{A", "{daemon=\"pcieoe-host\",agent=\"a \\\"name\\\"\\\\\"", StringComparison.Ordinal);
        Assert.Contains(expected, PrometheusText.Of(Sample).Split('\n'));
    }

    [Fact]
    public void Text_NumbersOfEveryType_AreWritten()
    {
        string text = PrometheusText.Of(new JsonObject { ["port"] = new JsonObject { ["a"] = 1, ["b"] = 2L, ["c"] = 2.5, ["d"] = (byte)3, ["e"] = ulong.MaxValue } });
        Assert.All((string[])["a_total{daemon=\"\",agent=\"\"} 1\n", "b_total{daemon=\"\",agent=\"\"} 2\n", "c_total{daemon=\"\",agent=\"\"} 2.5\n", "d_total{daemon=\"\",agent=\"\"} 3\n", "e_total"],
            sample => Assert.Contains($"pcieoe_port_{sample}", text, StringComparison.Ordinal));
    }

    [Fact]
    public void Text_OfAStatus_KeepsEachFamilyTogether()
    {
        string[] lines = PrometheusText.Of(Sample).TrimEnd('\n').Split('\n');
        string[] types = [.. lines.Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal))];
        Assert.Equal(types.Distinct(), types);
        string family = "";
        foreach (string line in lines)
        {
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                family = line.Split(' ')[2];
                continue;
            }

            Assert.StartsWith(family, line, StringComparison.Ordinal);
            Assert.Matches("^[a-z0-9_]+\\{.*\\} [0-9.E+-]+$", line);
        }
    }

    [Fact]
    public async Task Server_GetMetrics_AnswersTheText()
    {
        await using MetricsServer server = Start();
        using HttpClient client = new();
        using HttpResponseMessage response = await client.GetAsync(new Uri($"http://{server.Address}/metrics?x=1"), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/plain", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal(PrometheusText.Of(Sample), await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 ")]
    [InlineData("POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 ")]
    [InlineData("nonsense\r\n\r\n", "HTTP/1.1 400 ")]
    [InlineData("HEAD /metrics HTTP/1.1\r\nHost: elsewhere\r\n\r\n", "HTTP/1.1 200 ")]
    public async Task Server_OtherRequests_AreAnsweredAsHttpHasIt(string request, string answer)
    {
        await using MetricsServer server = Start();
        Assert.StartsWith(answer, await AskAsync(server, request), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_RequestWithoutEnd_IsCutOff()
    {
        await using MetricsServer server = Start();
        Assert.Equal("", await AskAsync(server, new string('x', 8192)));
        Assert.StartsWith("HTTP/1.1 200 ", await AskAsync(server, "GET /metrics HTTP/1.1\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_AddressInUse_SaysSo()
    {
        await using MetricsServer server = Start();
        IOException exception = Assert.Throws<IOException>(() => MetricsServer.Start(server.Address, () => Task.FromResult(Sample), NullLogger.Instance));
        Assert.Contains("metrics", exception.Message, StringComparison.Ordinal);
    }

    private static MetricsServer Start() => MetricsServer.Start(new IPEndPoint(IPAddress.Loopback, 0), () => Task.FromResult(Sample), NullLogger.Instance);

    private static async Task<string> AskAsync(MetricsServer server, string request)
    {
        using TcpClient client = new();
        await client.ConnectAsync(server.Address, TestContext.Current.CancellationToken);
        await using NetworkStream stream = client.GetStream();
        await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(request), TestContext.Current.CancellationToken);
        using StreamReader reader = new(stream);
        try
        {
            return await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
        }
        catch (IOException)
        {
            return "";
        }
    }
}
