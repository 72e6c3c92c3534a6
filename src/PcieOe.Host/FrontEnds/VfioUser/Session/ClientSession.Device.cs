using System.Runtime.InteropServices;
using PcieOe.Host.FrontEnds.VfioUser.Wire;
using PcieOe.Host.FrontEnds.VfioUser.Worker;
using PcieOe.Host.Interop;
using MessageHeader = PcieOe.Host.FrontEnds.VfioUser.Wire.MessageHeader;

namespace PcieOe.Host.FrontEnds.VfioUser.Session;

/// <summary>What clients ask about the device: DEVICE_GET_INFO, DEVICE_GET_REGION_INFO, DEVICE_GET_REGION_IO_FDS, DEVICE_GET_IRQ_INFO.</summary>
internal sealed partial class ClientSession
{
    private int GetInfo(in MessageHeader header, ReadOnlySpan<byte> payload)
    {
        if (payload.Length < DeviceInfoMessage.Bytes || MemoryMarshal.Read<DeviceInfoMessage>(payload).ArgumentSize < DeviceInfoMessage.Bytes)
        {
            return Errno.InvalidArgument;
        }

        MemoryMarshal.Write(Reply(new ReplyContext(header), DeviceInfoMessage.Bytes), new DeviceInfoMessage
        {
            ArgumentSize = DeviceInfoMessage.Bytes,
            Flags = DeviceInfoMessage.ResetFlag | DeviceInfoMessage.PciFlag,
            Regions = RegionIndex.Count,
            Interrupts = InterruptIndex.Count,
        });
        _sender.Commit();
        return Errno.None;
    }

    private int GetRegionInfo(in MessageHeader header, ReadOnlySpan<byte> payload)
    {
        if (payload.Length < RegionInfoMessage.Bytes)
        {
            return Errno.InvalidArgument;
        }

        RegionInfoMessage message = MemoryMarshal.Read<RegionInfoMessage>(payload);
        if (message.ArgumentSize < RegionInfoMessage.Bytes || message.Index >= RegionIndex.Count)
        {
            return Errno.InvalidArgument;
        }

        FunctionDescription description = _context.Worker.Description!;
        DoorbellPages? doorbells = description.Doorbells is { } pages && pages.Bar == message.Index ? pages : null;
        const int WithAreas = RegionInfoMessage.Bytes + SparseMapCapability.Bytes + SparseMapArea.Bytes;
        int whole = doorbells is null ? RegionInfoMessage.Bytes : WithAreas;
        int written = (int)Math.Min(message.ArgumentSize, (uint)whole) == whole ? whole : RegionInfoMessage.Bytes;

        // One descriptor can be on its way at a time; a client that asks twice without reading the first reply is told to try again.
        if (written == WithAreas && !_sender.TryAttach(doorbells!.Descriptor))
        {
            return Errno.TryAgain;
        }

        ulong length = description.RegionBytes((int)message.Index);
        Span<byte> reply = Reply(new ReplyContext(header), written);
        MemoryMarshal.Write(reply, new RegionInfoMessage
        {
            ArgumentSize = (uint)whole,
            Flags = (length == 0 ? 0 : RegionInfoMessage.ReadFlag | RegionInfoMessage.WriteFlag)
                | (doorbells is null ? 0 : RegionInfoMessage.MapFlag | RegionInfoMessage.CapabilitiesFlag),
            Index = message.Index,
            CapabilityOffset = doorbells is null ? 0 : (uint)RegionInfoMessage.Bytes,
            Length = length,
        });
        if (written == WithAreas)
        {
            WriteAreas(reply[RegionInfoMessage.Bytes..], doorbells!);
        }

        _sender.Commit();
        return Errno.None;
    }

    private static void WriteAreas(Span<byte> destination, DoorbellPages doorbells)
    {
        MemoryMarshal.Write(destination, new SparseMapCapability { Id = SparseMapCapability.CapabilityId, Version = 1, Areas = 1 });
        MemoryMarshal.Write(destination[SparseMapCapability.Bytes..], new SparseMapArea { Offset = doorbells.OffsetBytes, Length = doorbells.MappedBytes });
    }

    /// <summary>No region offers descriptors to write to instead of messages: doorbells are mapped.</summary>
    private int GetRegionIoDescriptors(in MessageHeader header, ReadOnlySpan<byte> payload)
    {
        if (payload.Length < RegionIoDescriptorsMessage.Bytes)
        {
            return Errno.InvalidArgument;
        }

        RegionIoDescriptorsMessage message = MemoryMarshal.Read<RegionIoDescriptorsMessage>(payload);
        if (message.ArgumentSize < RegionIoDescriptorsMessage.Bytes || message.Flags != 0 || message.Index >= RegionIndex.Count || message.Count != 0)
        {
            return Errno.InvalidArgument;
        }

        MemoryMarshal.Write(Reply(new ReplyContext(header), RegionIoDescriptorsMessage.Bytes), new RegionIoDescriptorsMessage
        {
            ArgumentSize = RegionIoDescriptorsMessage.Bytes,
            Index = message.Index,
        });
        _sender.Commit();
        return Errno.None;
    }

    private int GetInterruptInfo(in MessageHeader header, ReadOnlySpan<byte> payload)
    {
        if (payload.Length < InterruptInfoMessage.Bytes)
        {
            return Errno.InvalidArgument;
        }

        InterruptInfoMessage message = MemoryMarshal.Read<InterruptInfoMessage>(payload);
        if (message.ArgumentSize < InterruptInfoMessage.Bytes || message.Index >= InterruptIndex.Count)
        {
            return Errno.InvalidArgument;
        }

        int count = _context.Worker.Description!.InterruptCount((int)message.Index);
        MemoryMarshal.Write(Reply(new ReplyContext(header), InterruptInfoMessage.Bytes), new InterruptInfoMessage
        {
            ArgumentSize = InterruptInfoMessage.Bytes,
            Flags = count == 0 ? 0 : InterruptInfoMessage.EventDescriptorFlag | InterruptInfoMessage.MaskableFlag,
            Index = message.Index,
            Count = (uint)count,
        });
        _sender.Commit();
        return Errno.None;
    }
}
