using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Tlp;
using PcieOe.Target.Functions;
using Xunit;

namespace PcieOe.Target.Tests.Functions;

/// <summary>DMA reads of the function that are answered as they should be.</summary>
public sealed class DmaReadTests
{
    private readonly BridgeHarness _harness = new();

    public DmaReadTests() => _harness.Enumerate();

    [Fact]
    public void Read_OfAnyRange_SplitByTheRules()
    {
        Assert.True(_harness.Function.TryRead(1, 0x1_0000_0FF1, 8200));
        List<string> requests = [.. _harness.PumpAndTake().Select(tlp => BridgeHarness.Words(tlp))];
        Assert.Equal(
            [
                "20000004 010000fe 00000001 00000ff0",
                "20000000 010001ff 00000001 00001000",
                "200003ff 0100021f 00000001 00002000",
            ],
            requests);
    }

    [Fact]
    public void Read_WithSmallMrrs_RequestsNoMore()
    {
        _harness.Function.DeviceControl = 2 << 12;
        _harness.Bridge.Open(_harness.Lane, FunctionResetKind.Conventional, 0);
        Assert.True(_harness.Function.TryRead(1, 0x1000, 4096));
        List<byte[]> requests = _harness.PumpAndTake();
        Assert.Equal(8, requests.Count);
        Assert.All(requests, tlp =>
        {
            Assert.True(TlpView.TryParse(tlp, out TlpView view));
            Assert.Equal(512, view.LengthDoublewords * 4);
        });
    }

    [Fact]
    public void Read_Answered_DeliveredAndEndedOnce()
    {
        Assert.True(_harness.Function.TryRead(5, 0x1003, 300));
        byte[] request = Assert.Single(_harness.PumpAndTake());
        foreach (byte[] completion in BridgeHarness.Answer(request, maximumPayload: 128))
        {
            Assert.Empty(_harness.Function.Log);
            _harness.Receive(completion);
        }

        Assert.Equal(["done 5 Success"], _harness.Function.Log);
        _harness.AssertPattern(5, 0x1003);
        Assert.Equal(0, _harness.Bridge.OutstandingReadRequests);
        Assert.Equal(long.MaxValue, _harness.Bridge.NextDeadline);
    }

    [Fact]
    public void Requests_AnsweredInAnyOrder_EachReadWhole()
    {
        Random random = new(3);
        for (int round = 0; round < 300; round++)
        {
            int reads = random.Next(1, 9);
            List<ulong> addresses = [];
            for (ulong id = 0; id < (ulong)reads; id++)
            {
                ulong address = (ulong)random.NextInt64(0, 1L << 33);
                addresses.Add(address);
                Assert.True(_harness.Function.TryRead(id, address, random.Next(1, 20_000)));
            }

            List<Queue<byte[]>> answers = [.. _harness.PumpAndTake()
                .Select(request => new Queue<byte[]>(BridgeHarness.Answer(request, 128 << random.Next(0, 6), 64 << random.Next(0, 2))))];
            while (answers.Count > 0)
            {
                int pick = random.Next(answers.Count);
                _harness.Receive(answers[pick].Dequeue());
                if (answers[pick].Count == 0)
                {
                    answers.RemoveAt(pick);
                }
            }

            Assert.Equal(reads, _harness.Function.Log.Count);
            Assert.All(_harness.Function.Log, line => Assert.EndsWith("Success", line, StringComparison.Ordinal));
            for (ulong id = 0; id < (ulong)reads; id++)
            {
                _harness.AssertPattern(id, addresses[(int)id]);
            }

            _harness.Function.Log.Clear();
        }

        Assert.Equal(0, _harness.Counters.UnexpectedCompletions + _harness.Counters.MalformedCompletions);
    }

    [Fact]
    public void Reads_MoreThanTags_TakeTurnsAndGoOn()
    {
        BridgeHarness harness = new(new FunctionBridgeOptions { TagBits = 5 });
        harness.Enumerate();
        Assert.True(harness.Function.TryRead(1, 0x10_0000, 1 << 20));
        Assert.True(harness.Function.TryRead(2, 0x40_0000, 64));
        List<byte[]> requests = harness.PumpAndTake();
        Assert.Equal(32, requests.Count);
        Assert.True(TlpView.TryParse(requests[1], out TlpView second));
        Assert.Equal(0x40_0000ul, second.Address);
        Assert.True(harness.Bridge.HasUnsent);
        int total = 0;
        while (requests.Count > 0)
        {
            total += requests.Count;
            foreach (byte[] completion in requests.SelectMany(request => BridgeHarness.Answer(request)))
            {
                harness.Receive(completion);
            }

            requests = harness.PumpAndTake();
        }

        Assert.Equal(257, total);
        Assert.Equal(["done 2 Success", "done 1 Success"], harness.Function.Log);
        harness.AssertPattern(1, 0x10_0000);
    }

    [Fact]
    public void Reads_MoreThanMaximum_RefusedThenRoomOnce()
    {
        BridgeHarness harness = new(new FunctionBridgeOptions { MaximumReads = 2 });
        harness.Enumerate();
        Assert.True(harness.Function.TryRead(1, 0x1000, 64));
        Assert.True(harness.Function.TryRead(2, 0x2000, 64));
        Assert.False(harness.Function.TryRead(3, 0x3000, 64));
        List<byte[]> requests = harness.PumpAndTake();
        Assert.Empty(harness.Function.Log);
        harness.Receive(BridgeHarness.Answer(requests[1])[0]);
        Assert.Equal(["done 2 Success", "room"], harness.Function.Log);
        Assert.True(harness.Function.TryRead(3, 0x3000, 64));
        harness.Receive(BridgeHarness.Answer(requests[0])[0]);
        Assert.Equal(["done 2 Success", "room", "done 1 Success"], harness.Function.Log);
    }

    [Fact]
    public void Requests_WithoutRoom_WaitForIt()
    {
        _harness.Lane.Window = 0;
        Assert.True(_harness.Function.TryRead(1, 0x1000, 64));
        Assert.Empty(_harness.PumpAndTake());
        Assert.True(_harness.Bridge.HasUnsent);
        Assert.Equal(0, _harness.Bridge.OutstandingReadRequests);
        _harness.Lane.Window = 1;
        Assert.Single(_harness.PumpAndTake());
    }

    [Fact]
    public void Read_AskedForInsideItsEnd_Works()
    {
        ulong next = 2;
        _harness.Function.OnReadEnded = (_, _) =>
        {
            if (next < 20)
            {
                Assert.True(_harness.Function.TryRead(next, 0x1000 * next, 8192));
                next++;
            }
        };
        Assert.True(_harness.Function.TryRead(1, 0x1000, 8192));
        for (int round = 0; round < 40; round++)
        {
            foreach (byte[] completion in _harness.PumpAndTake().SelectMany(request => BridgeHarness.Answer(request)))
            {
                _harness.Receive(completion);
            }
        }

        Assert.Equal(19, _harness.Function.Log.Count);
        _harness.AssertPattern(19, 0x1000 * 19);
    }
}
