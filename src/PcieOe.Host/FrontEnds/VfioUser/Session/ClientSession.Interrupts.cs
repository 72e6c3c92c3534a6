using System.Runtime.InteropServices;
using PcieOe.Host.FrontEnds.VfioUser.Rings;
using PcieOe.Host.FrontEnds.VfioUser.Socket;
using PcieOe.Host.FrontEnds.VfioUser.Wire;
using PcieOe.Host.FrontEnds.VfioUser.Worker;
using PcieOe.Host.Interop;
using MessageHeader = PcieOe.Host.FrontEnds.VfioUser.Wire.MessageHeader;

namespace PcieOe.Host.FrontEnds.VfioUser.Session;

/// <summary>DEVICE_SET_IRQS in all its forms: who is told of a vector, whether it is masked, and setting it off by hand.</summary>
internal sealed partial class ClientSession
{
    private int SetInterrupts(in MessageHeader header, ReadOnlySpan<byte> payload)
    {
        if (payload.Length < InterruptSetMessage.Bytes)
        {
            return Errno.InvalidArgument;
        }

        InterruptSetMessage message = MemoryMarshal.Read<InterruptSetMessage>(payload);
        uint data = message.Flags & InterruptSetMessage.DataMask;
        uint action = message.Flags & InterruptSetMessage.ActionMask;
        if (message.ArgumentSize < InterruptSetMessage.Bytes || (message.Flags & ~(InterruptSetMessage.DataMask | InterruptSetMessage.ActionMask)) != 0
            || uint.PopCount(data) != 1 || uint.PopCount(action) != 1 || message.Index >= InterruptIndex.Count)
        {
            return Errno.InvalidArgument;
        }

        int vectors = _context.Worker.Description!.InterruptCount((int)message.Index);
        if ((ulong)message.Start + message.Count > (ulong)vectors)
        {
            return Errno.InvalidArgument;
        }

        if (message.Count == 0)
        {
            // "None, trigger, no vectors" takes every vector's descriptor away.
            return data == InterruptSetMessage.NoDataFlag && action == InterruptSetMessage.TriggerFlag && message.Start == 0
                ? SetDescriptors(header, message.Index, 0, vectors, areGiven: false)
                : Errno.InvalidArgument;
        }

        return data switch
        {
            InterruptSetMessage.EventDescriptorDataFlag => SetDescriptors(header, message, action),
            InterruptSetMessage.BoolDataFlag => ActOn(header, message, action, payload[InterruptSetMessage.Bytes..]),
            _ => ActOnAll(header, message, action),
        };
    }

    private int SetDescriptors(in MessageHeader header, in InterruptSetMessage message, uint action)
    {
        // Either one for each vector, or none at all to take them away.
        ReceivedDescriptors descriptors = _receiver.Descriptors;
        if (action != InterruptSetMessage.TriggerFlag || (descriptors.Count != 0 && descriptors.Count != message.Count))
        {
            return Errno.InvalidArgument;
        }

        for (int i = 0; i < descriptors.Count; i++)
        {
            if (!ClientEvents.TryAdopt(descriptors[i]))
            {
                return Errno.InvalidArgument;
            }
        }

        return SetDescriptors(header, message.Index, (int)message.Start, (int)message.Count, descriptors.Count != 0);
    }

    private int SetDescriptors(in MessageHeader header, uint index, int start, int count, bool areGiven)
    {
        Span<int> descriptors = stackalloc int[MaximumVectors];
        for (int i = 0; i < count; i++)
        {
            descriptors[i] = areGiven ? _receiver.Descriptors.Take(i) : ReceivedDescriptors.None;
        }

        return Pass(InterruptRequest(FunctionRequestKind.SetEventDescriptors, header, index, start, count), MemoryMarshal.AsBytes(descriptors[..count]));
    }

    private int ActOn(in MessageHeader header, in InterruptSetMessage message, uint action, ReadOnlySpan<byte> chosen) =>
        chosen.Length < (int)message.Count
            ? Errno.InvalidArgument
            : Pass(InterruptRequest(ToKind(action), header, message.Index, (int)message.Start, (int)message.Count), chosen[..(int)message.Count]);

    private int ActOnAll(in MessageHeader header, in InterruptSetMessage message, uint action)
    {
        Span<byte> chosen = stackalloc byte[MaximumVectors];
        chosen.Fill(1);
        return ActOn(header, message, action, chosen);
    }

    /// <summary>An MSI-X table has 2048 entries at most.</summary>
    private const int MaximumVectors = 2048;

    private static FunctionRequestKind ToKind(uint action) => action switch
    {
        InterruptSetMessage.MaskFlag => FunctionRequestKind.MaskInterrupts,
        InterruptSetMessage.UnmaskFlag => FunctionRequestKind.UnmaskInterrupts,
        _ => FunctionRequestKind.TriggerInterrupts,
    };

    private static FunctionRequest InterruptRequest(FunctionRequestKind kind, in MessageHeader header, uint index, int start, int count) => new()
    {
        Kind = kind,
        Context = new ReplyContext(header).Value,
        Index = (int)index,
        Offset = (ulong)start,
        Length = (ulong)count,
    };
}
