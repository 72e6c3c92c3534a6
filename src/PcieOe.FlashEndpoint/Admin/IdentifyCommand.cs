using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Media;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Admin;

/// <summary>Identify (NVMe 1.4, section 5.15, and what Linux asks of 2.0).</summary>
internal sealed unsafe class IdentifyCommand(NvmeController controller, IBlockMedia media)
{
    private const uint HighestListStart = 0xFFFF_FFFD;
    private const byte NguidType = 2;
    private const byte UuidType = 3;
    private const byte CommandSetType = 4;

    public NvmeStatus Execute(Command command)
    {
        var data = new Span<byte>(command.Data, IdentifyController.SizeBytes);
        data.Clear();
        uint id = command.Entry.NamespaceId;
        Namespace? target = controller.Namespaces.Find(id);
        bool isCommandSetKnown = command.Entry.CommandDword11 >> 24 == 0;
        switch ((IdentifyCns)(byte)command.Entry.CommandDword10)
        {
            case IdentifyCns.Controller:
                return WriteController(data);
            case IdentifyCns.Namespace:
                return id == SubmissionEntry.AllNamespaces && controller.Options.NamespaceManagement == NamespaceManagement.Off
                    ? NvmeStatus.InvalidNamespaceOrFormat
                    : WriteNamespace(data, id, target is { IsAttached: true } ? target : null);
            case IdentifyCns.AllocatedNamespace:
                return id == SubmissionEntry.AllNamespaces ? NvmeStatus.InvalidNamespaceOrFormat : WriteNamespace(data, id, target);
            case IdentifyCns.ActiveNamespaceList:
                return WriteNamespaceList(data, id, onlyAttached: true);
            case IdentifyCns.AllocatedNamespaceList:
                return WriteNamespaceList(data, id, onlyAttached: false);
            case IdentifyCns.NamespaceDescriptors:
                return target is { IsAttached: true } ? WriteDescriptors(data, target) : NvmeStatus.InvalidNamespaceOrFormat;
            case IdentifyCns.CommandSetNamespace:
                // The NVM command set's own part: no protection information, nothing to say.
                return !isCommandSetKnown ? NvmeStatus.InvalidField : IsValid(id) ? NvmeStatus.Success : NvmeStatus.InvalidNamespaceOrFormat;
            case IdentifyCns.CommandSetController:
                data[0] = TransferExponent;
                return isCommandSetKnown ? NvmeStatus.Success : NvmeStatus.InvalidField;
            case IdentifyCns.IndependentNamespace:
                return WriteIndependentNamespace(data, id, target);
            case IdentifyCns.ControllersOfNamespace:
                return !IsValid(id) && id != SubmissionEntry.AllNamespaces ? NvmeStatus.InvalidNamespaceOrFormat
                    : WriteControllerList(data, command.Entry.CommandDword10 >> 16, id == SubmissionEntry.AllNamespaces || target is { IsAttached: true });
            case IdentifyCns.ControllerList:
                return WriteControllerList(data, command.Entry.CommandDword10 >> 16, true);
            default:
                return NvmeStatus.InvalidField;
        }
    }

    private byte TransferExponent => (byte)int.Log2(controller.MaximumTransferBytes / DataPointerPageBytes);

    private static int DataPointerPageBytes => Dma.DataPointers.PageBytes;

    private bool IsValid(uint id) => id != 0 && id <= controller.Namespaces.MaximumId;

    private NvmeStatus WriteController(Span<byte> destination)
    {
        ref IdentifyController data = ref Unsafe.As<byte, IdentifyController>(ref MemoryMarshal.GetReference(destination));
        NvmeOptions options = controller.Options;
        data.VendorId = options.VendorId;
        data.SubsystemVendorId = options.SubsystemVendorId;
        WriteText(data.SerialNumber, options.SerialNumber);
        WriteText(data.ModelNumber, options.ModelNumber);
        WriteText(data.FirmwareRevision, options.FirmwareRevision);
        data.RecommendedArbitrationBurst = (byte)FeatureStore.DefaultArbitration;
        data.MaximumDataTransferSize = TransferExponent;
        data.ControllerId = options.ControllerId;
        data.Version = NvmeRegister.Version14;
        data.Rtd3EntryMicroseconds = 10_000_000;
        data.Rtd3ResumeMicroseconds = 1_000_000;
        data.OptionalAsynchronousEvents = 1 << 8;
        data.ControllerAttributes = 1 << 0;
        data.ControllerType = 1;
        data.OptionalAdminCommands = (ushort)(1 << 1 | (options.NamespaceManagement == NamespaceManagement.Off ? 0 : 1 << 3));
        data.AbortCommandLimit = 7;
        data.AsynchronousEventRequestLimit = AsynchronousEvents.MaximumRequests - 1;

        // One slot, read-only: there is no firmware to load.
        data.FirmwareUpdates = 1 << 0 | 1 << 1;
        data.LogPageAttributes = 1 << 1 | 1 << 2;
        data.ErrorLogPageEntries = ErrorLog.Capacity - 1;
        data.WarningTemperatureKelvin = FeatureStore.DefaultOverTemperatureKelvin;
        data.CriticalTemperatureKelvin = FeatureStore.DefaultOverTemperatureKelvin + 10;
        data.TotalCapacityBytes = (ulong)controller.Namespaces.CapacityBytes;
        data.UnallocatedCapacityBytes = (ulong)controller.Namespaces.UnallocatedBytes;
        data.KeepAliveGranularity = 1;
        data.SubmissionEntrySizes = 0x66;
        data.CompletionEntrySizes = 0x44;
        data.NumberOfNamespaces = controller.Namespaces.MaximumId;
        data.OptionalNvmCommands = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 6 | 1 << 7;

        // A flush with all namespaces flushes all.
        data.VolatileWriteCache = (byte)(3 << 1 | (media.HasVolatileWriteCache ? 1 : 0));
        data.SglSupport = 1 | 1 << 16 | 1 << 18;
        data.MaximumAllowedNamespaces = controller.Namespaces.MaximumId;
        data.PowerState0MaximumPower = 2500;
        WriteSubsystemName(destination.Slice(IdentifyController.SubsystemNameOffset, IdentifyController.SubsystemNameBytes));
        return NvmeStatus.Success;
    }

    private NvmeStatus WriteNamespace(Span<byte> destination, uint id, Namespace? target)
    {
        if (target is null && id != SubmissionEntry.AllNamespaces)
        {
            // Zeroes stand for a namespace that is not there now.
            return IsValid(id) ? NvmeStatus.Success : NvmeStatus.InvalidNamespaceOrFormat;
        }

        ref IdentifyNamespace data = ref Unsafe.As<byte, IdentifyNamespace>(ref MemoryMarshal.GetReference(destination));
        data.NumberOfLbaFormats = 1;
        data.Formats[0].DataSizeExponent = 9;
        data.Formats[0].RelativePerformance = 2;
        data.Formats[1].DataSizeExponent = 12;

        // Deallocated blocks read as zeroes; Write Zeroes may deallocate.
        data.DeallocateFeatures = 1 | 1 << 3;
        if (target is not null)
        {
            data.SizeBlocks = target.SizeBlocks;
            data.CapacityBlocks = target.SizeBlocks;
            data.UtilizationBlocks = target.SizeBlocks;
            data.FormattedLbaSize = (byte)(target.BlockShift == 12 ? 1 : 0);
            data.AllocatedBytes = (ulong)target.SizeBytes;
            data.Features = 1 << 4;
            int preferred = (4096 >> target.BlockShift) - 1;
            data.PreferredWriteGranularity = (ushort)preferred;
            data.PreferredWriteAlignment = (ushort)preferred;
            data.PreferredDeallocateGranularity = (ushort)preferred;
            data.PreferredDeallocateAlignment = (ushort)preferred;
            BinaryPrimitives.WriteUInt128BigEndian(data.GloballyUniqueId, target.UniqueId);
        }

        return NvmeStatus.Success;
    }

    private NvmeStatus WriteNamespaceList(Span<byte> destination, uint after, bool onlyAttached)
    {
        if (after > HighestListStart)
        {
            return NvmeStatus.InvalidNamespaceOrFormat;
        }

        Span<uint> list = MemoryMarshal.Cast<byte, uint>(destination);
        int count = 0;
        for (Namespace? item = controller.Namespaces.NextAfter(after); item is not null && count < list.Length; item = controller.Namespaces.NextAfter(item.Id))
        {
            if (item.IsAttached || !onlyAttached)
            {
                list[count++] = item.Id;
            }
        }

        return NvmeStatus.Success;
    }

    // Each descriptor: type, length, two reserved bytes, the identifier.
    private static NvmeStatus WriteDescriptors(Span<byte> destination, Namespace target)
    {
        foreach (byte type in (ReadOnlySpan<byte>)[NguidType, UuidType])
        {
            destination[0] = type;
            destination[1] = 16;
            BinaryPrimitives.WriteUInt128BigEndian(destination[4..], target.UniqueId);
            destination = destination[20..];
        }

        destination[0] = CommandSetType;
        destination[1] = 1;
        return NvmeStatus.Success;
    }

    // NVMe 2.0, figure 280: only NSTAT in byte 14, bit 0 (ready) has something to say.
    private NvmeStatus WriteIndependentNamespace(Span<byte> destination, uint id, Namespace? target)
    {
        if (!IsValid(id))
        {
            return NvmeStatus.InvalidNamespaceOrFormat;
        }

        destination[14] = (byte)(target is { IsAttached: true, IsFormatting: false } ? 1 : 0);
        return NvmeStatus.Success;
    }

    private NvmeStatus WriteControllerList(Span<byte> destination, uint from, bool isListed)
    {
        if (isListed && controller.Options.ControllerId >= from)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(destination, 1);
            BinaryPrimitives.WriteUInt16LittleEndian(destination[2..], controller.Options.ControllerId);
        }

        return NvmeStatus.Success;
    }

    private void WriteSubsystemName(Span<byte> destination)
    {
        string name = $"nqn.2026-01.org.pcieoe:{controller.Options.SerialNumber.TrimEnd().Replace(' ', '-')}";
        System.Text.Encoding.UTF8.GetBytes(name, destination);
    }

    private static void WriteText(Span<byte> destination, string text)
    {
        destination.Fill((byte)' ');
        System.Text.Encoding.ASCII.GetBytes(text, destination);
    }
}
