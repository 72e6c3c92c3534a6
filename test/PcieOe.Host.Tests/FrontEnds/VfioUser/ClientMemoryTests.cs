using PcieOe.Host.RootComplex;
using PcieOe.Host.Tests.FrontEnds.VfioUser.Harness;
using Xunit;
using static PcieOe.Host.Tests.FrontEnds.VfioUser.Harness.TestClient;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser;

/// <summary>Memory without a descriptor: DMA_READ and DMA_WRITE to the client.</summary>
public sealed class ClientMemoryTests
{
    private const ulong Address = 0xFFFC_0000;

    [Fact]
    public void Read_IsAskedOfTheClient()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = Map(harness, out IDmaMemory memory);

        Assert.True(memory.TryStartRead(Address + 4, 8, new DmaReadTicket(5), harness.Now));
        Reply question = harness.Receive(client);
        Assert.Equal((11, 0u), (question.Command, question.Flags));
        Assert.Equal(Layout(Address + 4, 8ul), question.Payload);
        harness.Send(client, MessageWithFlags(question.Id, 11, 1, Address + 4, 8ul, new byte[] { 1, 2, 3, 4, 5, 6, 7, 8 }));

        harness.PumpUntil(() => harness.Function.DmaAnswers.Count == 1, "the answer to the device");
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], harness.Function.DmaAnswers[5]);
        Assert.Equal(1, harness.FrontEnd.Counters.DmaReads);
    }

    [Fact]
    public void Write_IsAskedOfTheClient()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = Map(harness, out IDmaMemory memory);

        Assert.True(memory.TryWrite(Address, [9, 8, 7, 6], harness.Now));

        Reply question = harness.Receive(client);
        Assert.Equal((12, 0u), (question.Command, question.Flags));
        Assert.Equal([.. Layout(Address, 4ul), 9, 8, 7, 6], question.Payload);
    }

    /// <summary>An error, too little, too much, a lying count: the device's read fails, and that is all.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void BadAnswer_FailsTheRead(int kind)
    {
        using var harness = new FrontEndHarness();
        using TestClient client = Map(harness, out IDmaMemory memory);
        memory.TryStartRead(Address, 8, new DmaReadTicket(5), harness.Now);
        ushort id = harness.Receive(client).Id;

        harness.Send(client, kind switch
        {
            0 => MessageWithFlags(id, 11, 0x21),
            1 => MessageWithFlags(id, 11, 1, Address, 8ul, new byte[7]),
            2 => MessageWithFlags(id, 11, 1, Address, 8ul, new byte[9]),
            3 => MessageWithFlags(id, 11, 1, Address, 9ul, new byte[9]),
            _ => MessageWithFlags(id, 11, 1, Address, 8ul, new byte[100_000]),
        });

        harness.PumpUntil(() => harness.Function.DmaAnswers.Count == 1, "the answer to the device");
        Assert.Empty(harness.Function.DmaAnswers[5]);
        Assert.False(harness.Ask(client, Message(5, 4, 16u, 0u, 0u, 0u)).IsError);
    }

    [Fact]
    public void ReplyNobodyAskedFor_IsCounted()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = Map(harness, out IDmaMemory memory);
        memory.TryStartRead(Address, 8, new DmaReadTicket(5), harness.Now);
        ushort id = harness.Receive(client).Id;

        harness.Send(client, MessageWithFlags((ushort)(id + 1), 11, 1, Address, 8ul, new byte[8]));
        harness.Send(client, MessageWithFlags(id, 12, 1, Address, 8ul));
        harness.Send(client, MessageWithFlags(id, 9, 1, Address, 8ul, new byte[8]));
        harness.Send(client, MessageWithFlags(id, 11, 1, Address, 8ul, new byte[8]));
        harness.Send(client, MessageWithFlags(id, 11, 1, Address, 8ul, new byte[8]));

        harness.PumpUntil(() => harness.FrontEnd.Counters.StrayReplies == 4, "the stray replies");
        harness.PumpUntil(() => harness.Function.DmaAnswers.Count == 1, "the one answer to the device");
    }

    /// <summary>The vCPU that waits for a register holds the lock that would answer the DMA: neither may wait for the other.</summary>
    [Fact]
    public void RegionReads_WhileTheClientAnswersNoDma_GoOn()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = Map(harness, out IDmaMemory memory);
        for (ulong i = 0; i < 500; i++)
        {
            memory.TryStartRead(Address, 8, new DmaReadTicket(i), harness.Now);
            memory.TryWrite(Address, new byte[4096], harness.Now);
        }

        harness.Send(client, Message(100, 9, 0ul, 0u, 4u));

        Reply reply;
        do
        {
            reply = harness.Receive(client);
        }
        while (reply.Command is 11 or 12);
        Assert.Equal((100, 9), (reply.Id, reply.Command));
    }

    [Fact]
    public void AllOfManyWrites_ComeInOrder()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = Map(harness, out IDmaMemory memory);
        for (uint i = 0; i < 300; i++)
        {
            Assert.True(memory.TryWrite(Address, BitConverter.GetBytes(i), harness.Now));
        }

        for (uint i = 0; i < 300; i++)
        {
            Reply question = harness.Receive(client);
            Assert.Equal(i, question.UInt32(16));
            harness.Send(client, MessageWithFlags(question.Id, 12, 1, Address, 4ul));
        }
    }

    [Fact]
    public void WritesBeyondWhatMayWait_AreTurnedDown()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = Map(harness, out IDmaMemory memory);
        byte[] data = new byte[4096];

        int taken = 0;
        while (taken < 10_000 && memory.TryWrite(Address, data, harness.Now))
        {
            taken++;
        }

        Assert.InRange(taken, 500, 2000);
        Assert.False(harness.Ask(client, Message(5, 4, 16u, 0u, 0u, 0u)) is { IsReply: true, IsError: true });
    }

    /// <summary>The client must find the data before it hears of it.</summary>
    [Fact]
    public void Interrupt_AfterWrites_WaitsUntilTheClientHasCarriedThemOut()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = Map(harness, out IDmaMemory memory);
        int signal = Descriptors.Event();
        Assert.False(harness.Ask(client, Message(3, 8, 20u, 0x24u, 2u, 0u, 1u), signal).IsError);
        memory.TryWrite(Address, [1], harness.Now);
        memory.TryWrite(Address, [2], harness.Now);
        harness.Function.Client!.OnInterrupt(0, harness.Now);
        memory.TryWrite(Address, [3], harness.Now);
        harness.Function.Client.OnInterrupt(0, harness.Now);
        ushort[] ids = [harness.Receive(client).Id, harness.Receive(client).Id, harness.Receive(client).Id];

        Acknowledge(ids[1]);
        Assert.Equal(0ul, Descriptors.Signals(signal));
        Acknowledge(ids[0]);
        harness.PumpUntil(() => Descriptors.Signals(signal) == 1, "the first interrupt");
        Acknowledge(ids[2]);
        harness.PumpUntil(() => Descriptors.Signals(signal) == 1, "the second interrupt");
        harness.Function.Client.OnInterrupt(0, harness.Now);
        Assert.Equal(1ul, Descriptors.Signals(signal));
        Descriptors.Close(signal);

        void Acknowledge(ushort id)
        {
            long before = harness.FrontEnd.Counters.DmaWrites;
            harness.Send(client, MessageWithFlags(id, 12, 1, Address, 1ul));
            harness.PumpUntil(() => harness.FrontEnd.Counters.DmaWrites == before + 1, "the acknowledgement");
            harness.PumpOnce();
        }
    }

    [Fact]
    public void NextClient_OwesNothingForTheOneBefore()
    {
        using var harness = new FrontEndHarness();
        using (Map(harness, out IDmaMemory left))
        {
            left.TryWrite(Address, [1], harness.Now);
            left.TryStartRead(Address, 8, new DmaReadTicket(1), harness.Now);
        }

        harness.PumpUntil(() => harness.Function.Detachments == 1, "the first client's detachment");
        using TestClient client = Map(harness, out IDmaMemory memory);
        int signal = Descriptors.Event();
        Assert.False(harness.Ask(client, Message(3, 8, 20u, 0x24u, 2u, 0u, 1u), signal).IsError);
        harness.Function.Client!.OnInterrupt(0, harness.Now);
        Assert.Equal(1ul, Descriptors.Signals(signal));
        memory.TryStartRead(Address + 16, 4, new DmaReadTicket(2), harness.Now);
        Assert.Equal(Layout(Address + 16, 4ul), harness.Receive(client).Payload);
        Descriptors.Close(signal);
    }

    private static TestClient Map(FrontEndHarness harness, out IDmaMemory memory)
    {
        TestClient client = harness.ConnectAndNegotiate();
        Assert.False(harness.Ask(client, Message(2, 2, 32u, 3u, 0ul, Address, 0x4_0000ul)).IsError);
        memory = harness.Function.Window[Address].Client!;
        return client;
    }
}
