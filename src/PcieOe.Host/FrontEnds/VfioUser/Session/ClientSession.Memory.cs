using System.Globalization;
using System.Runtime.InteropServices;
using PcieOe.Host.FrontEnds.VfioUser.Memory;
using PcieOe.Host.FrontEnds.VfioUser.Rings;
using PcieOe.Host.FrontEnds.VfioUser.Wire;
using PcieOe.Host.Interop;
using MessageHeader = PcieOe.Host.FrontEnds.VfioUser.Wire.MessageHeader;

namespace PcieOe.Host.FrontEnds.VfioUser.Session;

/// <summary>DMA_MAP and DMA_UNMAP.</summary>
internal sealed partial class ClientSession
{
    private const ulong LeastWorthMentioning = 16 << 20;

    private int MapMemory(in MessageHeader header, ReadOnlySpan<byte> payload)
    {
        if (payload.Length < DmaMapMessage.Bytes)
        {
            return Errno.InvalidArgument;
        }

        DmaMapMessage message = MemoryMarshal.Read<DmaMapMessage>(payload);
        const uint Known = DmaMapMessage.ReadableFlag | DmaMapMessage.WritableFlag;
        if (message.ArgumentSize < DmaMapMessage.Bytes || (message.Flags & ~Known) != 0 || (message.Flags & Known) == 0 || message.Length == 0
            || message.Address > ulong.MaxValue - (message.Length - 1) || _receiver.Descriptors.Count > 1)
        {
            return Errno.InvalidArgument;
        }

        bool hasFile = _receiver.Descriptors.Count == 1;
        if (!_mappings.HasRoomFor(hasFile, out int error))
        {
            return error;
        }

        DmaMapping? mapping = hasFile ? MapFile(message, out error) : MapByMessage(message);
        if (mapping is null)
        {
            return error;
        }

        return Pass(
            new FunctionRequest
            {
                Kind = FunctionRequestKind.Map,
                Context = new ReplyContext(header, _mappings.Add(mapping)).Value,
                Offset = mapping.Address,
                Length = mapping.Length,
                Memory = mapping.Memory,
                Client = mapping.Client,
                Access = mapping.Access,
            },
            default);
    }

    private DmaMapping? MapFile(in DmaMapMessage message, out int error)
    {
        DmaMapping? mapping = DmaMapping.TryFromFile(message, _receiver.Descriptors, _context.Function, _context.Options.TrustsUnsealedMemory, out error, out string reason);
        if (mapping is null && _context.MayLog())
        {
            Log.MappingRefused(_context.Logger, _context.Name, Hexadecimal(message.Address), message.Length, reason);
        }

        return mapping;
    }

    private DmaMapping MapByMessage(in DmaMapMessage message)
    {
        // QEMU maps its firmware's flash this way, where nobody does DMA; of guest memory the operator should know.
        if (message.Length >= LeastWorthMentioning && _context.MayLog())
        {
            Log.MappingWithoutFile(_context.Logger, _context.Name, Hexadecimal(message.Address), message.Length);
        }

        return DmaMapping.ByMessage(message, _context.Worker.ClientMemory);
    }

    /// <summary>A descriptor that comes along is of no use, but some clients send one.</summary>
    private int UnmapMemory(in MessageHeader header, ReadOnlySpan<byte> payload)
    {
        if (payload.Length < DmaUnmapMessage.Bytes)
        {
            return Errno.InvalidArgument;
        }

        DmaUnmapMessage message = MemoryMarshal.Read<DmaUnmapMessage>(payload);
        bool isAll = message.Flags == DmaUnmapMessage.AllFlag;
        if (message.ArgumentSize < DmaUnmapMessage.Bytes || (message.Flags != 0 && !isAll) || (isAll && (message.Address != 0 || message.Length != 0)))
        {
            return Errno.InvalidArgument;
        }

        return Pass(
            new FunctionRequest
            {
                Kind = isAll ? FunctionRequestKind.UnmapAll : FunctionRequestKind.Unmap,
                Context = new ReplyContext(header).Value,
                Offset = message.Address,
                Length = message.Length,
            },
            default);
    }

    private void ReplyUnmapped(ReplyContext context, in FunctionAnswer answer)
    {
        bool isAll = answer.Kind == FunctionRequestKind.UnmapAll;
        ulong length = isAll ? _mappings.MappedBytes : answer.Length;
        if (isAll)
        {
            _mappings.OnAllUnmapped();
        }
        else
        {
            _mappings.OnUnmapped(answer.Offset, answer.Length);
        }

        if (context.WantsReply)
        {
            MemoryMarshal.Write(Reply(context, DmaUnmapMessage.Bytes), new DmaUnmapMessage
            {
                ArgumentSize = DmaUnmapMessage.Bytes,
                Flags = isAll ? DmaUnmapMessage.AllFlag : 0,
                Address = answer.Offset,
                Length = length,
            });
            _sender.Commit();
        }
    }

    private static string Hexadecimal(ulong address) => string.Create(CultureInfo.InvariantCulture, $"0x{address:x}");
}
