using System.Runtime.InteropServices;
using PcieOe.Host.FrontEnds.VfioUser.Rings;
using PcieOe.Host.FrontEnds.VfioUser.Wire;
using PcieOe.Host.FrontEnds.VfioUser.Worker;
using PcieOe.Host.Interop;
using MessageHeader = PcieOe.Host.FrontEnds.VfioUser.Wire.MessageHeader;

namespace PcieOe.Host.FrontEnds.VfioUser.Session;

/// <summary>REGION_READ and REGION_WRITE.</summary>
internal sealed partial class ClientSession
{
    private int ReadRegion(in MessageHeader header, ReadOnlySpan<byte> payload)
    {
        int error = CheckAccess(Command.RegionRead, payload, out RegionAccessMessage message);
        return error != Errno.None ? error : Pass(RegionRequest(FunctionRequestKind.ReadRegion, message, new ReplyContext(header).Value), default);
    }

    /// <summary>A posted write gets no reply, and so the worker need not answer it.</summary>
    private int WriteRegion(in MessageHeader header, ReadOnlySpan<byte> payload)
    {
        int error = CheckAccess(Command.RegionWrite, payload, out RegionAccessMessage message);
        if (error != Errno.None)
        {
            return error;
        }

        ReadOnlySpan<byte> data = payload[RegionAccessMessage.Bytes..];
        long context = header.WantsReply ? new ReplyContext(header).Value : FunctionRequest.NoAnswer;
        return data.Length != (int)message.Count
            ? Errno.InvalidArgument
            : Pass(RegionRequest(FunctionRequestKind.WriteRegion, message, context), data);
    }

    private int CheckAccess(Command command, ReadOnlySpan<byte> payload, out RegionAccessMessage message)
    {
        message = default;
        if (payload.Length < RegionAccessMessage.Bytes)
        {
            return Errno.InvalidArgument;
        }

        message = MemoryMarshal.Read<RegionAccessMessage>(payload);
        if (message.Region >= RegionIndex.Count)
        {
            return Errno.InvalidArgument;
        }

        if (message.Count > RegionReads.MaximumBytes)
        {
            return Errno.TooBig;
        }

        ulong length = _context.Worker.Description!.RegionBytes((int)message.Region);
        if (message.Offset > length || message.Count > length - message.Offset)
        {
            return Errno.InvalidArgument;
        }

        _context.Counters.CountAccess(command, message.Region);
        return Errno.None;
    }

    private void ReplyRegionAccess(ReplyContext context, in FunctionAnswer answer, ReadOnlySpan<byte> data)
    {
        if (!context.WantsReply)
        {
            return;
        }

        Span<byte> reply = Reply(context, RegionAccessMessage.Bytes + data.Length);
        MemoryMarshal.Write(reply, new RegionAccessMessage { Offset = answer.Offset, Region = (uint)answer.Index, Count = (uint)answer.Length });
        data.CopyTo(reply[RegionAccessMessage.Bytes..]);
        _sender.Commit();
    }

    private static FunctionRequest RegionRequest(FunctionRequestKind kind, in RegionAccessMessage message, long context) => new()
    {
        Kind = kind,
        Context = context,
        Index = (int)message.Region,
        Offset = message.Offset,
        Length = message.Count,
    };
}
