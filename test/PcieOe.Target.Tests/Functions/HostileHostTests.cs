using PcieOe.Protocol.Functions;
using PcieOe.Target.Functions;
using Xunit;

namespace PcieOe.Target.Tests.Functions;

/// <summary>A host that sends anything: nothing escapes, nothing grows, and a well-behaved session afterwards finds all in order.</summary>
public sealed class HostileHostTests
{
    private static readonly string[] Seeds =
    [
        "04000001 0018070f 01000000",
        "44000001 0018070f 01000078 a05000ff",
        "20000010 001807ff 00000010 00000040",
        "20000000 001807ff 00000010 00000000",
        "20000001 00180700 00000010 00000040",
        "60000003 0018007c 00000010 00000100 f0f1f2f3 f4f5f6f7 f8f9fafb",
        "4a000010 00180040 01000000",
        "0a000000 00182004 01000100",
        "74000001 0018007f 00000000 00000000 f0f1f2f3",
        "6e000002 00180700 00000010 00000000 00000001 00000002",
        "02000001 0018070f 00001000",
        "90000001 20008001 0018070f 00000010 00000040 01020304",
    ];

    [Fact]
    public void MutatedTlps_ManyOfThem_NeverThrowAndNeverGrow()
    {
        int rounds = Environment.GetEnvironmentVariable("PCIEOE_TEST_MODE") switch { "soak" => 1_000_000, "full" => 300_000, _ => 100_000 };
        Random random = new(20262);
        BridgeHarness harness = new(new FunctionBridgeOptions { TagQuarantineMilliseconds = 10, CompletionTimeoutMilliseconds = 10, MaximumReads = 8 });
        harness.Function.IsLogging = false;
        harness.Function.OnReadEnded = (id, _) => harness.Function.ReadBuffers.Remove(id.Value);
        harness.Function.PatchConfig = _ => harness.Function.ReadBuffers.Clear();
        byte[][] seeds = [.. Seeds.Select(BridgeHarness.Bytes)];
        byte[] frame = new byte[2048];
        ulong id = 0;
        for (int round = 0; round < rounds; round++)
        {
            int length = 0;
            for (int count = random.Next(1, 4); count > 0; count--)
            {
                byte[] seed = seeds[random.Next(seeds.Length)];
                seed.CopyTo(frame, length);
                for (int flips = random.Next(0, 4); flips > 0; flips--)
                {
                    frame[length + random.Next(seed.Length)] ^= (byte)(1 << random.Next(8));
                }

                length += seed.Length + random.Next(0, 3) * 32;
            }

            if (round % 16 == 0 && harness.Function.TryRead(id, (ulong)random.NextInt64(), random.Next(1, 10_000)))
            {
                id++;
            }

            // The frame's rest is left over from earlier ones: payloads and lengths that fit by chance.
            harness.Lane.Window = random.Next(3);
            harness.Bridge.OnTlps(frame.AsSpan(0, length & ~3), (ulong)round, harness.Now);
            harness.Bridge.Pump(harness.Now);
            harness.Lane.Drop();
            harness.Now += 100_000;
            harness.Bridge.OnTimer(harness.Now);
            Assert.True(harness.Bridge.OutstandingReadRequests <= 256);
            Assert.True(harness.Function.ReadBuffers.Count <= 8);
        }

        FunctionBridgeCounters counters = harness.Counters;
        Assert.All(
            [counters.UnparsableTlps, counters.MalformedTlps, counters.PoisonedRequests, counters.UnsupportedRequests, counters.UnclaimedWrites, counters.IgnoredMessages, counters.UnexpectedCompletions, counters.TimedOutReadRequests, counters.FunctionLevelResets],
            count => Assert.NotEqual(0, count));

        // A session after all this finds everything in order.
        ArrayLane lane = new();
        harness.Bridge.Open(lane, FunctionResetKind.Conventional, harness.Now);
        harness.Bridge.OnTlps(BridgeHarness.Bytes("04000001 0018070f 01000000"), 1, harness.Now);
        Assert.Equal(["4a000001 00000004 00180700 34127856"], lane.TakeTlps().Select(tlp => BridgeHarness.Words(tlp)));
        Assert.True(harness.Function.TryRead(id, 0x1000, 64));
        harness.Bridge.Pump(harness.Now);
        harness.Bridge.OnTlps(BridgeHarness.Answer(Assert.Single(lane.TakeTlps()))[0], 2, harness.Now);
        Assert.False(harness.Function.ReadBuffers.ContainsKey(id));
    }
}
