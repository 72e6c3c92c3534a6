using System.Buffers.Binary;
using PcieOe.Host.FrontEnds.Nbd.Protocol;
using PcieOe.Host.FrontEnds.Nbd.Transmission;
using PcieOe.Host.NvmeDriver;
using PcieOe.Host.Tests.FrontEnds.Nbd.Harness;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.Host.Tests.FrontEnds.Nbd;

public sealed class TransmissionTests
{
    private const uint Einval = 22;
    private const uint Eio = 5;

    [Theory]
    [InlineData(512)]
    [InlineData(16384)]
    [InlineData(1 << 20)]
    public void Read_Structured_GivesTheDataInChunks(int length)
    {
        using SessionHarness harness = new();

        List<Reply> chunks = harness.Exchange(new ClientBytes().Request(NbdCommand.Read, 1024, (uint)length, 77));

        byte[] data = new byte[length];
        foreach (Reply chunk in chunks)
        {
            Assert.Equal((true, (ushort)1, 77UL), (chunk.IsChunk, chunk.Type, chunk.Cookie));
            chunk.Content.AsSpan(8).CopyTo(data.AsSpan((int)BinaryPrimitives.ReadUInt64BigEndian(chunk.Content) - 1024));
        }

        Assert.Equal(harness.Disk.AsSpan(1024, length).ToArray(), data);
        Assert.Equal(1, chunks.Count(chunk => chunk.IsDone));
        Assert.True(chunks[^1].IsDone);
        harness.AssertClean();
    }

    [Theory]
    [InlineData(512)]
    [InlineData(16384)]
    [InlineData(3 << 20)]
    public void Read_Simple_GivesTheDataBehindOneHead(int length)
    {
        using SessionHarness harness = new(isStructured: false);

        Reply reply = Assert.Single(harness.Exchange(new ClientBytes().Request(NbdCommand.Read, 512, (uint)length, 5), _ => length));

        Assert.Equal(0u, reply.Error);
        Assert.Equal(harness.Disk.AsSpan(512, length).ToArray(), reply.Content);
        harness.AssertClean();
    }

    [Fact]
    public void Read_SimpleLongAmongOthers_IsNotMixedWithThem()
    {
        using SessionHarness harness = new(isStructured: false);
        ClientBytes bytes = new ClientBytes().Request(NbdCommand.Read, 0, 4096, 0).Request(NbdCommand.Trim, 0, 4096, 1, CommandFlags.ForceUnitAccess)
            .Request(NbdCommand.Read, 0, 1 << 20, 2).Request(NbdCommand.Read, 0, 512, 3);
        int[] lengths = [4096, 0, 1 << 20, 512];

        List<Reply> replies = harness.Exchange(bytes, cookie => lengths[cookie]);

        Assert.Equal([0UL, 1, 2, 3], replies.Select(reply => reply.Cookie).Order().ToArray());
        Assert.Equal(2UL, replies[2].Cookie);
        Assert.All(replies.Where(reply => reply.Cookie != 1), reply => Assert.Equal(harness.Disk.AsSpan(0, reply.Content.Length).ToArray(), reply.Content));
        harness.AssertClean();
    }

    [Fact]
    public void Read_SimpleLongFailingAtOnce_IsAnsweredWithTheError()
    {
        using SessionHarness harness = new(isStructured: false) { StatusOf = _ => NvmeStatus.UnrecoveredReadError };

        Assert.Equal(Eio, Assert.Single(harness.Exchange(new ClientBytes().Request(NbdCommand.Read, 0, 1 << 20, 2))).Error);

        Assert.False(harness.Session.IsBroken);
        harness.AssertClean();
    }

    [Fact]
    public void Read_SimpleLongFailingBehindItsHead_BreaksTheConnection()
    {
        using SessionHarness harness = new(isStructured: false) { StatusOf = command => command.Lba >= 1024 ? NvmeStatus.UnrecoveredReadError : NvmeStatus.Success };

        harness.Receive(new ClientBytes().Request(NbdCommand.Read, 0, 1 << 20, 2).ToArray());
        harness.Drain();

        Assert.True(harness.Session.IsBroken);
        harness.AssertClean();
    }

    [Fact]
    public void Read_StructuredFailingInTheMiddle_NamesTheOffset()
    {
        using SessionHarness harness = new() { StatusOf = command => command.Lba == 64 ? NvmeStatus.UnrecoveredReadError : NvmeStatus.Success };

        List<Reply> chunks = harness.Exchange(new ClientBytes().Request(NbdCommand.Read, 0, 65536, 2));

        Reply error = Assert.Single(chunks, chunk => chunk.ErrorValue != 0);
        Assert.Equal((0x8002, Eio, 64UL * 512), (error.Type, error.ErrorValue, BinaryPrimitives.ReadUInt64BigEndian(error.Content.AsSpan(6))));
        Assert.Equal(4, chunks.Count);
        Assert.True(chunks[^1].IsDone);
        harness.AssertClean();
    }

    [Theory]
    [InlineData(512, CommandFlags.None)]
    [InlineData(100 * 1024, CommandFlags.ForceUnitAccess)]
    [InlineData(1 << 20, CommandFlags.None)]
    public void Write_ThenFlush_IsOnTheDisk(int length, CommandFlags flags)
    {
        using SessionHarness harness = new();
        byte[] data = new byte[length];
        new Random(9).NextBytes(data);

        List<Reply> replies = harness.Exchange(new ClientBytes().Request(NbdCommand.Write, 4096, (uint)length, 1, flags, data));

        Assert.Equal(0u, Assert.Single(replies).Error);
        Assert.Equal(data, harness.Disk.AsSpan(4096, length).ToArray());
        Assert.All(harness.Log, command => Assert.Equal(flags != 0, command.ForceUnitAccess));
        Assert.Equal(0u, Assert.Single(harness.Exchange(new ClientBytes().Request(NbdCommand.Flush, 0, 0, 2))).Error);
        Assert.Equal(BlockOperation.Flush, harness.Log[^1].Operation);
        harness.AssertClean();
    }

    [Fact]
    public void Write_PutRightIntoDeviceMemory_IsOnTheDisk()
    {
        using SessionHarness harness = new();
        byte[] data = new byte[SessionHarness.CommandBytes];
        new Random(9).NextBytes(data);

        harness.Receive([.. new ClientBytes().Request(NbdCommand.Write, 0, (uint)data.Length, 1).ToArray(), data[0]]);
        Span<byte> direct = harness.Session.DirectBuffer;
        Assert.Equal(data.Length - 1, direct.Length);
        data.AsSpan(1).CopyTo(direct);
        harness.Session.OnDirect(direct.Length);
        harness.Drain();

        Assert.Equal(data, harness.Disk.AsSpan(0, data.Length).ToArray());
        harness.AssertClean();
    }

    [Fact]
    public void Trim_WithForceUnitAccess_IsFollowedByAFlush()
    {
        using SessionHarness harness = new();

        Assert.Equal(0u, Assert.Single(harness.Exchange(new ClientBytes().Request(NbdCommand.Trim, 0, 8192, 1, CommandFlags.ForceUnitAccess))).Error);

        Assert.Equal([BlockOperation.Trim, BlockOperation.Flush], harness.Log.Select(command => command.Operation));
        Assert.Equal(16u, harness.Log[0].Blocks);
        harness.AssertClean();
    }

    [Fact]
    public void WriteZeroes_MoreThanOneCommandTakes_IsSplit()
    {
        using SessionHarness harness = new(diskBytes: 80 << 20);

        Reply reply = Assert.Single(harness.Exchange(new ClientBytes().Request(NbdCommand.WriteZeroes, 512, 70 << 20, 1, CommandFlags.FastZero | CommandFlags.NoHole)));

        Assert.Equal(0u, reply.Error);
        Assert.Equal([65536u, 65536u, 12288u], harness.Log.Select(command => command.Blocks));
        Assert.True(harness.Disk.AsSpan(512, 70 << 20).IndexOfAnyExcept((byte)0) < 0);
        harness.AssertClean();
    }

    [Fact]
    public void BlockStatus_AnyRange_IsOneAllocatedExtent()
    {
        using SessionHarness harness = new();

        Reply chunk = Assert.Single(harness.Exchange(new ClientBytes().Request(NbdCommand.BlockStatus, 512, 1 << 20, 8, CommandFlags.RequestOne)));

        Assert.Equal((5, true), (chunk.Type, chunk.IsDone));
        Assert.Equal(new ClientBytes().UInt32(1).UInt32(1 << 20).UInt32(0).ToArray(), chunk.Content);
    }

    [Theory]
    [InlineData(NbdCommand.Read, 4 << 20, 512, CommandFlags.None, Einval)]
    [InlineData(NbdCommand.Read, 1, 512, CommandFlags.None, Einval)]
    [InlineData(NbdCommand.Read, 0, 511, CommandFlags.None, Einval)]
    [InlineData(NbdCommand.Read, 0, 0, CommandFlags.None, Einval)]
    [InlineData(NbdCommand.Read, 0, 512, CommandFlags.NoHole, Einval)]
    [InlineData(NbdCommand.Read, 0, 32768, CommandFlags.DontFragment, 75u)]
    [InlineData(NbdCommand.Write, 4 << 20, 512, CommandFlags.None, 28u)]
    [InlineData(NbdCommand.Write, (4 << 20) - 512, 1024, CommandFlags.None, 28u)]
    [InlineData(NbdCommand.Write, 0, 513, CommandFlags.None, Einval)]
    [InlineData(NbdCommand.WriteZeroes, 4 << 20, 512, CommandFlags.None, 28u)]
    [InlineData(NbdCommand.Trim, 4 << 20, 512, CommandFlags.None, Einval)]
    [InlineData(NbdCommand.Cache, 4 << 20, 512, CommandFlags.None, Einval)]
    [InlineData(NbdCommand.Flush, 0, 512, CommandFlags.None, Einval)]
    [InlineData(NbdCommand.BlockStatus, 4 << 20, 512, CommandFlags.None, Einval)]
    [InlineData((NbdCommand)99, 0, 512, CommandFlags.None, Einval)]
    public void Request_AgainstTheRules_IsAnsweredAndTheNextOneServed(NbdCommand command, int offset, int length, CommandFlags flags, uint error)
    {
        using SessionHarness harness = new();
        byte[] payload = new byte[command == NbdCommand.Write ? length : 0];

        List<Reply> replies = harness.Exchange(new ClientBytes().Request(command, (ulong)offset, (uint)length, 1, flags, payload).Request(NbdCommand.Flush, 0, 0, 2));

        Assert.Equal([(1UL, error), (2UL, 0u)], replies.Select(reply => (reply.Cookie, reply.ErrorValue)));
        harness.AssertClean();
    }

    [Theory]
    [InlineData(NbdCommand.Write)]
    [InlineData(NbdCommand.Trim)]
    [InlineData(NbdCommand.WriteZeroes)]
    public void Change_ReadOnlyExport_IsNotPermitted(NbdCommand command)
    {
        using SessionHarness harness = new(isReadOnly: true);
        byte[] payload = new byte[command == NbdCommand.Write ? 512 : 0];

        Assert.Equal(1u, Assert.Single(harness.Exchange(new ClientBytes().Request(command, 0, 512, 1, CommandFlags.None, payload))).Error);
        Assert.Empty(harness.Log);
    }

    [Theory]
    [InlineData(NvmeStatus.NamespaceIsWriteProtected, 1u)]
    [InlineData(NvmeStatus.CapacityExceeded, 28u)]
    [InlineData(NvmeStatus.WriteFault, Eio)]
    [InlineData(NvmeStatus.InvalidOpcode, 95u)]
    [InlineData(NvmeStatus.CommandAbortedByHost, 108u)]
    public void Write_FailingAtTheDevice_HasTheProtocolsError(NvmeStatus status, uint error)
    {
        using SessionHarness harness = new() { StatusOf = _ => status };

        Assert.Equal(error, Assert.Single(harness.Exchange(new ClientBytes().Request(NbdCommand.Write, 0, 512, 1, CommandFlags.None, new byte[512]))).Error);
        harness.AssertClean();
    }

    [Fact]
    public void Garbage_InPlaceOfARequest_EndsAfterWhatIsUnderWay()
    {
        using SessionHarness harness = new();

        Reply reply = Assert.Single(harness.Exchange(new ClientBytes().Request(NbdCommand.Flush, 0, 0, 2).Raw(new byte[64])));

        Assert.Equal(2UL, reply.Cookie);
        Assert.True(harness.Session is { IsEnding: true, SawGarbage: true });
        harness.AssertClean();
    }

    [Fact]
    public void Write_LongerThanAnySense_EndsTheConnection()
    {
        using SessionHarness harness = new();

        harness.Receive(new ClientBytes().Request(NbdCommand.Write, 0, TransmissionSession.MaximumDiscardedBytes + 512, 2).ToArray());

        Assert.True(harness.Session is { IsEnding: true, SawGarbage: true });
    }

    [Fact]
    public void Requests_MoreThanMayBeOpen_WaitAndAreAllAnswered()
    {
        using SessionHarness harness = new() { Depth = 5 };
        ClientBytes bytes = new();
        for (ulong cookie = 0; cookie < 1000; cookie++)
        {
            bytes.Request(cookie % 3 == 0 ? NbdCommand.Flush : NbdCommand.Read, cookie % 3 == 0 ? 0 : cookie * 512, cookie % 3 == 0 ? 0u : 40960, cookie);
        }

        harness.Receive(bytes.ToArray());
        Assert.InRange(harness.CommandsUnderWay, 1, 5);
        harness.Drain(sendLimit: 1000);

        List<Reply> replies = ReplyReader.ReadAll(harness.TakeOutput(), _ => 0);
        Assert.Equal(1000, replies.Count(reply => reply.IsDone));
        harness.AssertClean();
    }

    [Fact]
    public void Client_ThatTakesNoReplies_IsBoundedAndGoesOnWhenItDoes()
    {
        using SessionHarness harness = new();
        ClientBytes bytes = new();
        for (ulong cookie = 0; cookie < 3000; cookie++)
        {
            bytes.Request(cookie % 2 == 0 ? NbdCommand.Cache : NbdCommand.Read, 0, 4096, cookie);
        }

        harness.Receive(bytes.ToArray());
        while (harness.CompleteOne())
        {
            harness.Receive([]);
        }

        Assert.InRange(harness.Session.Replies.Count, 1, ReplyQueue.Capacity);
        harness.Drain();
        Assert.Equal(3000, ReplyReader.ReadAll(harness.TakeOutput(), _ => 0).Count);
        harness.AssertClean();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Stream_SplitAtEveryByte_GivesTheSame(bool isStructured)
    {
        byte[] data = new byte[2048];
        new Random(3).NextBytes(data);
        byte[] bytes = new ClientBytes().Request(NbdCommand.Write, 512, 2048, 1, CommandFlags.ForceUnitAccess, data).Request(NbdCommand.Write, 1, 512, 2, CommandFlags.None, new byte[512])
            .Request(NbdCommand.Trim, 8192, 512, 3, CommandFlags.ForceUnitAccess).Request(NbdCommand.Flush, 0, 0, 4).Request(NbdCommand.Disconnect, 0, 0, 5).ToArray();
        for (int split = 0; split <= bytes.Length; split++)
        {
            using SessionHarness harness = new(isStructured: isStructured, diskBytes: 32768, arenaBytes: 256 * 1024);
            harness.Receive(bytes.AsSpan(0, split));
            harness.Drain(sendLimit: 7);
            harness.Receive(bytes.AsSpan(split));
            harness.Drain(sendLimit: 7);

            List<Reply> replies = ReplyReader.ReadAll(harness.TakeOutput(), _ => 0);
            Assert.Equal([(1UL, 0u), (2UL, Einval), (3UL, 0u), (4UL, 0u)], replies.Select(reply => (reply.Cookie, reply.ErrorValue)).Order().ToArray());
            Assert.Equal(data, harness.Disk.AsSpan(512, 2048).ToArray());
            Assert.True(harness.Session is { IsEnding: true, SawGarbage: false });
            harness.AssertClean();
        }
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(4, false)]
    public void Stream_RandomAndMutated_LeaksNothing(int seed, bool isStructured)
    {
        Random random = new(seed);
        for (int round = 0; round < 200; round++)
        {
            using SessionHarness harness = new(seed: round, isStructured, diskBytes: 128 * 1024, arenaBytes: 256 * 1024) { Depth = random.Next(1, 40) };
            NvmeStatus failure = random.Next(2) == 0 ? NvmeStatus.Success : NvmeStatus.WriteFault;
            harness.StatusOf = _ => random.Next(10) == 0 ? failure : NvmeStatus.Success;
            for (int part = 0; part < 20; part++)
            {
                byte[] bytes = Some(random);
                if (random.Next(20) == 0)
                {
                    bytes[random.Next(bytes.Length)] ^= (byte)random.Next(1, 256);
                }

                harness.Receive(bytes);
                for (int step = random.Next(6); step > 0; step--)
                {
                    harness.CompleteOne();
                    harness.Send(random.Next(1, 5000));
                    harness.Receive([]);
                }
            }

            harness.Drain(sendLimit: random.Next(100, 100_000));
            harness.Session.End(); // a client killed wherever its stream stood
            harness.Drain();
            harness.AssertClean();
        }
    }

    private static byte[] Some(Random random)
    {
        var command = (NbdCommand)random.Next(0, 10);
        command = command == NbdCommand.Disconnect && random.Next(10) != 0 ? NbdCommand.Read : command;
        uint length = (uint)random.Next(0, random.Next(4) == 0 ? 300 : 20) * 512;
        ulong offset = (ulong)random.Next(0, 270) * 512;
        byte[] payload = new byte[command == NbdCommand.Write ? length : 0];
        return new ClientBytes().Request(command, offset, length, (ulong)random.Next(), (CommandFlags)(random.Next(3) == 0 ? random.Next(32) : 0), payload).ToArray();
    }
}
