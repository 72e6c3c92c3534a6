using System.Buffers;
using PcieOe.Host.FrontEnds.Nbd.Protocol;
using Xunit;

namespace PcieOe.Host.Tests.FrontEnds.Nbd;

/// <summary>What clients in the world rely on: heads byte by byte, over a buffer full of other bytes.</summary>
public sealed class ProtocolNumbersTests
{
    [Fact]
    public void SimpleReply_Written_IsAsTheProtocolSays() =>
        Assert.Equal("67446698" + "00000016" + "0102030405060708", Written(head => ReplyHeaders.WriteSimple(head, 0x0102030405060708, NbdError.InvalidArgument)));

    [Fact]
    public void Chunks_Written_AreAsTheProtocolSays()
    {
        Assert.Equal("668E33EF" + "0001" + "0001" + "0000000000000009" + "00001008" + "0000000000002000", Written(head => ReplyHeaders.WriteData(head, 9, 0x2000, 4096, ChunkFlags.Done)));
        Assert.Equal("668E33EF" + "0001" + "8001" + "0000000000000009" + "00000006" + "00000005" + "0000", Written(head => ReplyHeaders.WriteError(head, 9, NbdError.InputOutput, ChunkFlags.Done)));
        Assert.Equal("668E33EF" + "0000" + "8002" + "0000000000000009" + "0000000E" + "00000005" + "0000" + "0000000000002000", Written(head => ReplyHeaders.WriteErrorOffset(head, 9, NbdError.InputOutput, 0x2000, ChunkFlags.None)));
        Assert.Equal("668E33EF" + "0001" + "0005" + "0000000000000009" + "0000000C" + "00000001" + "00001000" + "00000000", Written(head => ReplyHeaders.WriteAllocated(head, 9, 4096)));
    }

    [Fact]
    public void Request_Parsed_HasItsFields()
    {
        byte[] bytes = Convert.FromHexString("25609513" + "0001" + "0006" + "0102030405060708" + "0000000000001000" + "00000200");

        Assert.True(RequestHeader.TryParse(new ReadOnlySequence<byte>(bytes), out RequestHeader header));

        Assert.Equal(new RequestHeader(CommandFlags.ForceUnitAccess, NbdCommand.WriteZeroes, 0x0102030405060708, 4096, 512), header);
        bytes[0] ^= 1;
        Assert.False(RequestHeader.TryParse(new ReadOnlySequence<byte>(bytes), out _));
    }

    private static string Written(Func<byte[], int> write)
    {
        byte[] head = new byte[ReplyHeaders.MaximumBytes];
        head.AsSpan().Fill(0xA5);
        int bytes = write(head);
        return Convert.ToHexString(head.AsSpan(0, bytes));
    }
}
