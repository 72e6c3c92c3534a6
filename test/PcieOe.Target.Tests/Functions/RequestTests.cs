using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Tlp;
using PcieOe.Target.Functions;
using Xunit;

namespace PcieOe.Target.Tests.Functions;

/// <summary>The host's requests: configuration, memory, and what a function does not do.</summary>
public sealed class RequestTests
{
    private readonly BridgeHarness _harness = new();

    [Fact]
    public void ConfigRead_OfADoubleword_AnsweredWithItsBytesInOrder() =>
        Assert.Equal(["4a000001 00000004 00180700 34127856"], _harness.Exchange("04000001 0018070f 01000000"));

    [Fact]
    public void ConfigWrite_WithByteEnables_CarriedOutAndAnswered()
    {
        Assert.Equal(["0a000000 01000004 00180800"], _harness.Exchange("44000001 00180806 01000104 11223344"));
        Assert.Equal(["config 104 44332211 6"], _harness.Function.Log);
        Assert.Equal(["4a000001 01000004 00180900 00223300"], _harness.Exchange("04000001 0018090f 01000104"));
    }

    [Fact]
    public void ConfigWrite_NothingEnabled_AnsweredOnly()
    {
        Assert.Equal(["0a000000 01000004 00180800"], _harness.Exchange("44000001 00180800 01000104 11223344"));
        Assert.Empty(_harness.Function.Log);
    }

    [Theory]
    [InlineData("05000001 0018070f 01000000", "0a000000 00002004 00180700")]
    [InlineData("45000001 0018070f 01000000 00000000", "0a000000 00002004 00180700")]
    [InlineData("04000001 0018070f 01010000", "0a000000 00002004 00180700")]
    [InlineData("44000001 0018070f 01070000 00000000", "0a000000 00002004 00180700")]
    [InlineData("04000002 0018070f 01000000", "0a000000 00002004 00180700")]
    [InlineData("44004001 0018070f 01000000 00000000", "0a000000 00002004 00180700")]
    [InlineData("02000001 0018070f 00001000", "0a000000 00002004 00180700")]
    [InlineData("42000001 0018070f 00001000 00000000", "0a000000 00002004 00180700")]
    [InlineData("6c000001 00180700 00000010 00000000 00000001", "0a000000 00002004 00180700")]
    [InlineData("7b000001 0018070f 00000010 00000000 00000001", "0a000000 00002004 00180700")]
    [InlineData("21000001 0018070f 00000010 00000000", "0a000000 00002004 00180700")]
    [InlineData("1f303401 0018070f 00001000", "0a303000 00002004 00180700")]
    [InlineData("20000002 0018070f 00000010 00000000", "0a000000 00002004 00180700")]
    public void Request_ThatTheFunctionDoesNotServe_AnsweredUnsupported(string request, string answer)
    {
        Assert.Equal([answer], _harness.Exchange(request));
        Assert.Equal(1, _harness.Counters.UnsupportedRequests);
        Assert.Empty(_harness.Function.Log);
    }

    [Fact]
    public void ConfigRequest_FunctionNotReady_RetryStatus()
    {
        _harness.Bridge.IsFunctionReady = false;
        Assert.Equal(["0a000000 00004004 00180700"], _harness.Exchange("04000001 0018070f 01000000"));
        Assert.Equal(["0a000000 00004004 00180700"], _harness.Exchange("44000001 0018070f 01000000 00000000"));
        Assert.Equal(["0a000000 00002004 00180700"], _harness.Exchange("20000001 0018070f 00000010 00000000"));
        Assert.Empty(_harness.Exchange("60000001 0018000f 00000010 00000000 00000000"));
        Assert.Empty(_harness.Function.Log);
        _harness.Bridge.IsFunctionReady = true;
        Assert.Equal(["4a000001 00000004 00180700 34127856"], _harness.Exchange("04000001 0018070f 01000000"));
    }

    [Fact]
    public void MemoryRead_WithAttributes_CopiedToTheCompletion()
    {
        List<string> answer = _harness.Exchange("20743001 0018070f 00000010 00000040");
        string data = BridgeHarness.Words(_harness.Function.Memory.AsSpan(0x40, 4));
        Assert.Equal([$"4a743001 00000004 00180740 {data}"], answer);
        Assert.Equal(["read 40 4"], _harness.Function.Log);
    }

    [Theory]
    [InlineData(0, 4096)]
    [InlineData(1, 4095)]
    [InlineData(5, 300)]
    [InlineData(0x7F, 130)]
    [InlineData(0xFFF, 1)]
    [InlineData(3, 2)]
    [InlineData(100, 700)]
    public void MemoryRead_AnyRange_SplitAndWhole(int offset, int length)
    {
        _harness.Function.DeviceControl = 1 << 5;
        _harness.Bridge.Open(_harness.Lane, FunctionResetKind.Conventional, 0);
        byte[] request = new byte[16];
        MemoryRequestHeader.Read(FakeFunction.Bar + (uint)offset, length, BridgeHarness.Host, 9).Write(request);
        _harness.Receive(request);
        ReadReassembly reassembly = new(FakeFunction.Bar + (uint)offset, length);
        byte[] result = new byte[length];
        List<byte[]> completions = _harness.Lane.TakeTlps();
        for (int index = 0; index < completions.Count; index++)
        {
            Assert.True(TlpView.TryParse(completions[index], out TlpView view));
            Assert.InRange(view.Payload.Length, 4, 256);
            Assert.True(index == 0 || view.LowerAddress == 0, "cut off the boundary of 128");
            ReassemblyResult outcome = reassembly.Accept(view, out int at, out ReadOnlySpan<byte> data);
            Assert.Equal(index == completions.Count - 1 ? ReassemblyResult.Last : ReassemblyResult.Piece, outcome);
            data.CopyTo(result.AsSpan(at));
            Assert.True(view.Payload[..(view.LowerAddress & 3)].IndexOfAnyExcept((byte)0) < 0, "padding bleeds");
        }

        Assert.Equal(_harness.Function.Memory.AsSpan(offset, length).ToArray(), result);
    }

    [Fact]
    public void MemoryRead_WithHoles_ReadsEnabledBytesOnly()
    {
        List<string> answer = _harness.Exchange("20000002 001807a5 00000010 00000008");
        Assert.Equal(["read 8 1", "read a 1", "read d 1", "read f 1"], _harness.Function.Log);
        byte[] memory = _harness.Function.Memory;
        byte[] data = [memory[8], 0, memory[10], 0, 0, memory[13], 0, memory[15]];
        Assert.Equal([$"4a000002 00000008 00180708 {BridgeHarness.Words(data)}"], answer);
    }

    [Fact]
    public void ZeroLengthRead_Claimed_OneDoublewordOfNothing()
    {
        Assert.Equal(["4a000001 00000001 00180740 00000000"], _harness.Exchange("20000001 00180700 00000010 00000040"));
        Assert.Equal(["0a000000 00002001 00180740"], _harness.Exchange("20000001 00180700 00000020 00000040"));
    }

    [Fact]
    public void MemoryRead_Unclaimed_Unsupported()
    {
        Assert.Equal(["0a000000 00002008 00180740"], _harness.Exchange("20000002 001807ff 00000020 00000040"));
        _harness.Function.IsMemoryEnabled = false;
        Assert.Equal(["0a000000 00002008 00180740"], _harness.Exchange("20000002 001807ff 00000010 00000040"));
        Assert.Equal(2, _harness.Counters.UnsupportedRequests);
    }

    [Fact]
    public void MemoryWrite_WithByteEnables_WritesEnabledBytesOnly()
    {
        byte[] before = [.. _harness.Function.Memory];
        Assert.Empty(_harness.Exchange("60000003 0018007c 00000010 00000100 f0f1f2f3 f4f5f6f7 f8f9fafb"));
        Assert.Equal(["write 102 9"], _harness.Function.Log);
        Convert.FromHexString("f2f3f4f5f6f7f8f9fa").CopyTo(before, 0x102);
        Assert.Equal(before, _harness.Function.Memory);
    }

    [Fact]
    public void MemoryWrite_WithHoles_OneWriteForEachRun()
    {
        _harness.Receive("60000002 00180095 00000010 00000100 f0f1f2f3 f4f5f6f7");
        Assert.Equal(["write 100 1", "write 102 1", "write 104 1", "write 107 1"], _harness.Function.Log);
        Assert.Equal(0xF2, _harness.Function.Memory[0x102]);
    }

    [Theory]
    [InlineData("60000001 00180000 00000010 00000100 f0f1f2f3")]
    [InlineData("60004001 0018000f 00000010 00000100 f0f1f2f3")]
    [InlineData("60000001 001800ff 00000010 00000100 f0f1f2f3")]
    [InlineData("60000002 001800ff 00000010 00000ffc f0f1f2f3 f0f1f2f3")]
    [InlineData("60008001 0018000f 00000010 00000100 f0f1f2f3 00000000")]
    public void MemoryWrite_EmptyPoisonedOrMalformed_TouchesNothing(string words)
    {
        byte[] before = [.. _harness.Function.Memory];
        Assert.Empty(_harness.Exchange(words));
        Assert.Equal(before, _harness.Function.Memory);
        Assert.Empty(_harness.Function.Log);
    }

    [Fact]
    public void Counters_OfRefusedRequests_NameTheCause()
    {
        _harness.Receive("60004001 0018000f 00000010 00000100 f0f1f2f3");
        Assert.Equal(1, _harness.Counters.PoisonedRequests);
        _harness.Receive("60000001 001800ff 00000010 00000100 f0f1f2f3");
        Assert.Equal(1, _harness.Counters.MalformedTlps);
        _harness.Receive("60000001 0018000f 00000020 00000100 f0f1f2f3");
        Assert.Equal(1, _harness.Counters.UnclaimedWrites);
        _harness.Receive("74000001 0018007f 00000000 00000000 f0f1f2f3");
        Assert.Equal(1, _harness.Counters.IgnoredMessages);
        _harness.Receive("e0000001 0018007f 00000000 00000000 f0f1f2f3");
        Assert.Equal(1, _harness.Counters.UnparsableTlps);
        Assert.Equal(4, _harness.Counters.TlpsReceived);
        Assert.Empty(_harness.Lane.TakeTlps());
    }

    [Fact]
    public void Tlps_InOneFrame_TakeEffectInOrder()
    {
        _harness.Receive(
            BridgeHarness.Bytes("60000001 0018000f 00000010 00000100 01020304"),
            BridgeHarness.Bytes("20000001 0018070f 00000010 00000100"),
            BridgeHarness.Bytes("60000001 0018000f 00000010 00000100 05060708"),
            BridgeHarness.Bytes("20000001 0018080f 00000010 00000100"));
        Assert.Equal(["4a000001 00000004 00180700 01020304", "4a000001 00000004 00180800 05060708"], _harness.Lane.TakeTlps().Select(tlp => BridgeHarness.Words(tlp)));
        Assert.Equal(77ul, _harness.Bridge.CurrentOrigin);
    }

    [Fact]
    public void Answers_WithoutRoom_WaitAndGoInOrder()
    {
        _harness.Lane.Window = 0;
        Assert.Empty(_harness.Exchange("04000001 0018010f 01000000"));
        Assert.Empty(_harness.Exchange("20000001 0018020f 00000010 00000100"));
        Assert.Empty(_harness.Exchange("44000001 0018030f 01000104 11223344"));
        Assert.Equal(["config 104 44332211 f"], _harness.Function.Log);
        Assert.True(_harness.Bridge.HasUnsent);
        _harness.Lane.Window = 1;
        Assert.Equal([1, 2, 3], _harness.PumpAndTake().Select(tlp => (int)BridgeHarness.TagOf(tlp)));
        Assert.False(_harness.Bridge.HasUnsent);
    }

    [Fact]
    public void Answer_CutByTheWindow_GoesOnWhereItStopped()
    {
        BridgeHarness harness = new(frameBytes: 1448);
        harness.Lane.Window = 1;
        byte[] request = new byte[16];
        MemoryRequestHeader.Read(FakeFunction.Bar, 4096, BridgeHarness.Host, 9).Write(request);
        harness.Receive(request);
        List<byte[]> completions = harness.Lane.TakeTlps();
        Assert.Single(completions);
        harness.Lane.Window = 10;
        completions.AddRange(harness.PumpAndTake());
        Assert.Equal(4, completions.Count);
        Assert.Equal([4096, 3072, 2048, 1024], completions.Select(tlp =>
        {
            Assert.True(TlpView.TryParse(tlp, out TlpView view));
            return view.ByteCount;
        }));
    }

    [Fact]
    public void Requests_MoreThanAnswersCanWait_DroppedAndCounted()
    {
        BridgeHarness harness = new(new FunctionBridgeOptions { MaximumAnswers = 3 });
        harness.Lane.Window = 0;
        for (int tag = 0; tag < 5; tag++)
        {
            harness.Receive($"04000001 0018{tag:x2}0f 01000000");
        }

        Assert.Equal(2, harness.Counters.DroppedRequests);
        harness.Lane.Window = 10;
        Assert.Equal([0, 1, 2], harness.PumpAndTake().Select(tlp => (int)BridgeHarness.TagOf(tlp)));
    }

    [Fact]
    public void FunctionLevelReset_ByConfigWrite_ResetsAfterTheAnswer()
    {
        _harness.Lane.Window = 0;
        _harness.Receive($"44000001 0018030f 0100{FakeFunction.DeviceControlOffset:x4} 00800000");
        Assert.Equal([$"config {FakeFunction.DeviceControlOffset:x} 00008000 f", "reset FunctionLevel"], _harness.Function.Log);
        Assert.Equal(1, _harness.Counters.FunctionLevelResets);
        _harness.Lane.Window = 1;
        Assert.Equal(["0a000000 01000004 00180300"], _harness.PumpAndTake().Select(tlp => BridgeHarness.Words(tlp)));
    }

    [Theory]
    [InlineData("44000001 0018030d 01000078 00800000")]
    [InlineData("44000001 0018030f 0100007c 00800000")]
    [InlineData("44000001 0018030f 01000078 00000080")]
    public void ConfigWrite_ThatDoesNotEnableTheResetBit_ResetsNothing(string words)
    {
        _harness.Receive(words);
        Assert.Equal(0, _harness.Counters.FunctionLevelResets);
        Assert.DoesNotContain("reset FunctionLevel", _harness.Function.Log);
    }

    [Fact]
    public void Capabilities_InACircle_DoNotHang()
    {
        _harness.Function.PatchConfig = config => config[0x41] = 0x40;
        _harness.Bridge.Open(_harness.Lane, FunctionResetKind.Conventional, 0);
        Assert.Equal(["4a000001 00000004 00180700 01400000"], _harness.Exchange("04000001 0018070f 01000040"));
    }

    [Fact]
    public void Closed_Bridge_IgnoresEverything()
    {
        _harness.Bridge.Close(0);
        Assert.Contains("reset Conventional", _harness.Function.Log);
        Assert.Empty(_harness.Exchange("04000001 0018070f 01000000"));
        Assert.False(_harness.Function.TryRead(1, 0x1000, 64));
        _harness.Function.Ready(1);
        Assert.Empty(_harness.PumpAndTake());
        _harness.Bridge.Open(_harness.Lane, FunctionResetKind.StateLost, 0);
        Assert.Contains("reset StateLost", _harness.Function.Log);
        Assert.Single(_harness.Exchange("04000001 0018070f 01000000"));
    }
}
