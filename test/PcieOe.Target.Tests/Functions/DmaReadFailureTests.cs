using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Tlp;
using PcieOe.Target.Functions;
using Xunit;

namespace PcieOe.Target.Tests.Functions;

/// <summary>DMA reads of the function, answered late, wrongly, or never.</summary>
public sealed class DmaReadFailureTests
{
    private const long Second = 1_000_000_000;

    private readonly BridgeHarness _harness = new();

    public DmaReadFailureTests() => _harness.Enumerate();

    [Theory]
    [InlineData(CompletionStatus.UnsupportedRequest, DmaReadStatus.UnsupportedRequest)]
    [InlineData(CompletionStatus.CompleterAbort, DmaReadStatus.CompleterAbort)]
    [InlineData(CompletionStatus.ConfigurationRequestRetry, DmaReadStatus.UnsupportedRequest)]
    [InlineData((CompletionStatus)7, DmaReadStatus.UnsupportedRequest)]
    public void Request_Refused_FailsTheReadOnceAllItsRequestsHaveEnded(CompletionStatus status, DmaReadStatus expected)
    {
        Assert.True(_harness.Function.TryRead(1, 0x1000, 12_288));
        List<byte[]> requests = _harness.PumpAndTake();
        Assert.Equal(3, requests.Count);
        _harness.Receive(BridgeHarness.Refuse(requests[1], status));
        Assert.Empty(_harness.Function.Log);
        _harness.Receive(BridgeHarness.Answer(requests[0])[0]);
        _harness.Receive(BridgeHarness.Answer(requests[2])[0]);
        Assert.Equal([$"done 1 {expected}"], _harness.Function.Log);
        Assert.Equal(0, _harness.Bridge.OutstandingReadRequests);
        Assert.All(_harness.Function.ReadBuffers[1], value => Assert.Equal(0xA5, value));
    }

    [Fact]
    public void Read_FailedBeforeAllWasRequested_RequestsNoMore()
    {
        BridgeHarness harness = new(new FunctionBridgeOptions { TagBits = 5 });
        harness.Enumerate();
        Assert.True(harness.Function.TryRead(1, 0x10_0000, 1 << 20));
        foreach (byte[] request in harness.PumpAndTake())
        {
            harness.Receive(BridgeHarness.Refuse(request, CompletionStatus.UnsupportedRequest));
        }

        Assert.Empty(harness.PumpAndTake());
        Assert.Equal(["done 1 UnsupportedRequest"], harness.Function.Log);
        Assert.False(harness.Bridge.HasUnsent);
    }

    [Fact]
    public void Read_ThatWrapsRoundTheAddressSpace_RefusedWithoutATlp()
    {
        Assert.True(_harness.Function.TryRead(1, ulong.MaxValue - 100, 102));
        Assert.Empty(_harness.Function.Log);
        Assert.Empty(_harness.PumpAndTake());
        Assert.Equal(["done 1 UnsupportedRequest"], _harness.Function.Log);
        Assert.True(_harness.Function.TryRead(2, ulong.MaxValue - 100, 101));
        Assert.Single(_harness.PumpAndTake());
    }

    [Fact]
    public void Request_NeverAnswered_TimesOutAndItsTagRests()
    {
        BridgeHarness harness = new(new FunctionBridgeOptions { TagBits = 5, CompletionTimeoutMilliseconds = 50, TagQuarantineMilliseconds = 1000 });
        harness.Enumerate();
        Assert.True(harness.Function.TryRead(1, 0x1000, 64));
        byte[] request = Assert.Single(harness.PumpAndTake());
        long deadline = harness.Now + 50_000_000;
        Assert.Equal(deadline, harness.Bridge.NextDeadline);
        harness.Bridge.OnTimer(deadline - 1);
        Assert.Empty(harness.Function.Log);
        harness.Now = deadline;
        harness.Bridge.OnTimer(deadline);
        Assert.Equal(["done 1 TimedOut"], harness.Function.Log);
        Assert.Equal(1, harness.Counters.TimedOutReadRequests);

        // The late answer changes nothing.
        harness.Receive(BridgeHarness.Answer(request)[0]);
        Assert.Equal(1, harness.Counters.LateCompletions);
        Assert.Equal(0xA5, harness.Function.ReadBuffers[1][0]);

        // Every other tag is used before this one, and this one only after its rest.
        for (ulong id = 2; id < 34; id++)
        {
            Assert.True(harness.Function.TryRead(id, 0x2000, 64));
        }

        List<byte[]> requests = harness.PumpAndTake();
        Assert.Equal(31, requests.Count);
        Assert.DoesNotContain(BridgeHarness.TagOf(request), requests.Select(BridgeHarness.TagOf));
        foreach (byte[] answer in requests.Select(other => BridgeHarness.Answer(other)[0]).Take(31))
        {
            harness.Receive(answer);
        }

        harness.Now = deadline + Second;
        harness.Bridge.OnTimer(harness.Now);
        List<ushort> tags = [];
        for (ulong id = 40; id < 72; id++)
        {
            Assert.True(harness.Function.TryRead(id, 0x2000, 64));
        }

        tags.AddRange(harness.PumpAndTake().Select(BridgeHarness.TagOf));
        Assert.Contains(BridgeHarness.TagOf(request), tags);
    }

    [Fact]
    public void Outage_LongerThanTheTimeout_TimesNothingOut()
    {
        Assert.True(_harness.Function.TryRead(1, 0x1000, 64));
        byte[] request = Assert.Single(_harness.PumpAndTake());
        long before = _harness.Bridge.NextDeadline;
        _harness.Now += 100;
        _harness.Bridge.Suspend(_harness.Now);
        Assert.Equal(long.MaxValue, _harness.Bridge.NextDeadline);
        _harness.Now += 30 * Second;
        _harness.Bridge.OnTimer(_harness.Now);
        Assert.Empty(_harness.Function.Log);
        _harness.Bridge.Resume(_harness.Now);
        Assert.Equal(before + 30 * Second, _harness.Bridge.NextDeadline);
        _harness.Bridge.OnTimer(_harness.Now);
        _harness.Receive(BridgeHarness.Answer(request)[0]);
        Assert.Equal(["done 1 Success"], _harness.Function.Log);
    }

    [Fact]
    public void Completion_NobodyAskedFor_CountedOnly()
    {
        _harness.Receive("4a000001 00180004 01001100 01020304");
        _harness.Receive("0a000000 00182004 01001100");
        _harness.Receive("4a080001 00180004 01001100 01020304");
        Assert.Equal(3, _harness.Counters.UnexpectedCompletions);
        Assert.True(_harness.Function.TryRead(1, 0x1000, 4));
        byte[] request = Assert.Single(_harness.PumpAndTake());
        byte[] foreign = BridgeHarness.Answer(request)[0];
        foreign[8] ^= 0x01;
        _harness.Receive(foreign);
        Assert.Equal(4, _harness.Counters.UnexpectedCompletions);
        byte[] good = BridgeHarness.Answer(request)[0];
        _harness.Receive(good);
        _harness.Receive(good);
        Assert.Equal(5, _harness.Counters.UnexpectedCompletions);
        Assert.Equal(["done 1 Success"], _harness.Function.Log);
    }

    [Theory]
    [InlineData("4a000080 00180200 01000000", 512, DmaReadStatus.Success)]
    [InlineData("4a000080 00180400 01000000", 512, DmaReadStatus.CompleterAbort)]
    [InlineData("4a000080 00180100 01000000", 512, DmaReadStatus.CompleterAbort)]
    [InlineData("4a000081 00180200 01000000", 516, DmaReadStatus.CompleterAbort)]
    [InlineData("4a000000 00180000 01000000", 4096, DmaReadStatus.CompleterAbort)]
    [InlineData("4a000080 00180200 01000004", 512, DmaReadStatus.CompleterAbort)]
    [InlineData("4a000008 00180200 01000000", 32, DmaReadStatus.CompleterAbort)]
    [InlineData("4a000080 00182200 01000000", 512, DmaReadStatus.CompleterAbort)]
    [InlineData("4a004080 00180200 01000000", 512, DmaReadStatus.CompleterAbort)]
    [InlineData("0a000000 00180200 01000000", 0, DmaReadStatus.CompleterAbort)]
    public void Completion_ThatLies_NeverWritesOutOfBounds(string header, int dataBytes, DmaReadStatus expected)
    {
        Assert.True(_harness.Function.TryRead(1, 0x1000, 512));
        Assert.Equal(0, BridgeHarness.TagOf(Assert.Single(_harness.PumpAndTake())));
        _harness.Receive([.. BridgeHarness.Bytes(header), .. new byte[dataBytes]]);
        Assert.Equal([$"done 1 {expected}"], _harness.Function.Log);
        if (expected != DmaReadStatus.Success)
        {
            Assert.Equal(1, _harness.Counters.MalformedCompletions + _harness.Counters.PoisonedCompletions);

            // The rest of the lie finds its tag at rest.
            _harness.Receive([.. BridgeHarness.Bytes(header), .. new byte[dataBytes]]);
            Assert.Equal(1, _harness.Counters.LateCompletions);
        }
    }

    [Fact]
    public void FunctionLevelReset_WithReadsOut_TheirAnswersReachNobody()
    {
        Assert.True(_harness.Function.TryRead(1, 0x1000, 4096));
        Assert.True(_harness.Function.TryRead(2, 0x8000, 4096));
        List<byte[]> requests = _harness.PumpAndTake();
        _harness.Receive($"44000001 0018030f 0100{FakeFunction.DeviceControlOffset:x4} 00800000");
        _harness.Lane.TakeTlps();
        _harness.Function.Log.Clear();
        Assert.Equal(2, _harness.Bridge.OutstandingReadRequests);
        Assert.True(_harness.Function.TryRead(1, 0x2000, 64));
        byte[] fresh = Assert.Single(_harness.PumpAndTake());
        _harness.Receive(BridgeHarness.Answer(requests[0])[0]);
        Assert.Empty(_harness.Function.Log);
        Assert.Equal(0xA5, _harness.Function.ReadBuffers[1][0]);
        _harness.Receive(BridgeHarness.Answer(fresh)[0]);
        Assert.Equal(["done 1 Success"], _harness.Function.Log);
        _harness.AssertPattern(1, 0x2000);
        Assert.Equal(1, _harness.Bridge.OutstandingReadRequests);
        _harness.Now += 6 * Second;
        _harness.Bridge.OnTimer(_harness.Now);
        Assert.Equal(0, _harness.Bridge.OutstandingReadRequests);
        Assert.Equal(["done 1 Success"], _harness.Function.Log);
    }

    [Fact]
    public void NewSession_WithReadsOut_StartsFromNothing()
    {
        Assert.True(_harness.Function.TryRead(1, 0x1000, 4096));
        byte[] old = Assert.Single(_harness.PumpAndTake());
        ArrayLane lane = new();
        _harness.Bridge.Open(lane, FunctionResetKind.Conventional, _harness.Now);
        _harness.Function.Log.Clear();
        _harness.Receive(BridgeHarness.Answer(old)[0]);
        Assert.Equal(1, _harness.Counters.UnexpectedCompletions);
        Assert.Empty(_harness.Function.Log);
        Assert.Equal(long.MaxValue, _harness.Bridge.NextDeadline);
    }

    [Fact]
    public void Completions_DamagedAtRandom_NeverHarmAnotherRead()
    {
        Random random = new(20261);
        BridgeHarness harness = new(new FunctionBridgeOptions { TagQuarantineMilliseconds = 1 });
        harness.Enumerate();
        int harmed = 0;
        int whole = 0;
        for (int round = 0; round < 3000; round++)
        {
            ulong address = (ulong)random.Next(0, 1 << 20);
            Assert.True(harness.Function.TryRead(1, address, random.Next(1, 9000)));
            foreach (byte[] request in harness.PumpAndTake())
            {
                foreach (byte[] completion in BridgeHarness.Answer(request, 128 << random.Next(0, 6)))
                {
                    if (random.Next(8) == 0)
                    {
                        // The header's second and third doubleword: status, byte count, IDs, tag, lower address.
                        int bit = random.Next(32, 96);
                        completion[bit / 8] ^= (byte)(1 << bit % 8);
                    }

                    harness.Receive(completion);
                }
            }

            harness.Now += 6 * Second;
            harness.Bridge.OnTimer(harness.Now);
            string end = Assert.Single(harness.Function.Log);
            harness.Function.Log.Clear();
            if (end == "done 1 Success")
            {
                whole++;
                harness.AssertPattern(1, address);
            }
            else
            {
                harmed++;
            }

            Assert.Equal(0, harness.Bridge.OutstandingReadRequests);
            harness.Now += Second;
            harness.Bridge.OnTimer(harness.Now);
        }

        Assert.True(whole > 300 && harmed > 300, $"{whole} whole, {harmed} harmed");
    }
}
