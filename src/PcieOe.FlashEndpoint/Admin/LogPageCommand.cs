using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Dma;
using PcieOe.FlashEndpoint.Media;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Admin;

/// <summary>Get Log Page (NVMe 1.4, section 5.14).</summary>
internal sealed unsafe class LogPageCommand(NvmeController controller, IBlockMedia media)
{
    private const int LargestPageBytes = 4096;
    private const uint RetainEventBit = 1 << 15;
    private readonly byte[] _page = new byte[LargestPageBytes];

    public NvmeStatus Decode(Command command)
    {
        int size = PageBytes(Page(command));
        if (size == 0)
        {
            return NvmeStatus.InvalidLogPage;
        }

        ulong bytes = ((ulong)(ushort)command.Entry.CommandDword11 << 16 | command.Entry.CommandDword10 >> 16) * 4 + 4;
        ulong offset = Offset(command);
        bool isWrongNamespace = Page(command) == LogPageId.SmartHealth && command.Entry.NamespaceId is not (0 or SubmissionEntry.AllNamespaces);
        if (bytes > (ulong)controller.MaximumTransferBytes || offset > (ulong)size || (offset & 3) != 0 || isWrongNamespace)
        {
            return NvmeStatus.InvalidField;
        }

        return AdminCommands.Moves(command, TransferDirection.ToHost, (int)bytes);
    }

    public NvmeStatus Execute(Command command, long now)
    {
        Span<byte> page = _page.AsSpan(0, PageBytes(Page(command)));
        page.Clear();
        switch (Page(command))
        {
            case LogPageId.ErrorInformation:
                Span<ErrorLogEntry> entries = MemoryMarshal.Cast<byte, ErrorLogEntry>(page);
                for (int i = 0; i < entries.Length; i++)
                {
                    entries[i] = controller.Errors[i];
                }

                break;
            case LogPageId.SmartHealth:
                WriteHealth(page, now);
                break;
            case LogPageId.FirmwareSlot:
                page[0] = 1;
                page.Slice(8, 8).Fill((byte)' ');
                Encoding.ASCII.GetBytes(controller.Options.FirmwareRevision, page[8..]);
                break;
            case LogPageId.ChangedNamespaces:
                controller.Admin.ChangedNamespaces.Write(MemoryMarshal.Cast<byte, uint>(page));
                break;
            case LogPageId.CommandsSupportedAndEffects:
                WriteEffects(MemoryMarshal.Cast<byte, uint>(page), controller.Options.NamespaceManagement != NamespaceManagement.Off);
                break;
        }

        if ((command.Entry.CommandDword10 & RetainEventBit) == 0)
        {
            controller.Events.OnLogPageRead(Page(command));
            if (Page(command) == LogPageId.ChangedNamespaces)
            {
                controller.Admin.ChangedNamespaces.Clear();
            }
        }

        // What is asked for past the end of the page reads as zeroes.
        var data = new Span<byte>(command.Data, command.DataBytes);
        data.Clear();
        ReadOnlySpan<byte> rest = page[(int)Offset(command)..];
        rest[..Math.Min(rest.Length, data.Length)].CopyTo(data);
        return NvmeStatus.Success;
    }

    private static LogPageId Page(Command command) => (LogPageId)(byte)command.Entry.CommandDword10;

    private static ulong Offset(Command command) => (ulong)command.Entry.CommandDword13 << 32 | command.Entry.CommandDword12;

    private static int PageBytes(LogPageId page) => page switch
    {
        LogPageId.ErrorInformation => ErrorLog.Capacity * ErrorLogEntry.SizeBytes,
        LogPageId.SmartHealth => SmartLog.SizeBytes,
        LogPageId.FirmwareSlot => LogPageLayout.FirmwareSlotBytes,
        LogPageId.ChangedNamespaces => LogPageLayout.ChangedNamespacesBytes,
        LogPageId.CommandsSupportedAndEffects => LogPageLayout.EffectsBytes,
        _ => 0,
    };

    private void WriteHealth(Span<byte> page, long now)
    {
        HealthCounters health = controller.Health;
        ref SmartLog log = ref Unsafe.As<byte, SmartLog>(ref MemoryMarshal.GetReference(page));
        bool isHot = HealthCounters.TemperatureKelvin >= controller.Features.OverTemperatureKelvin || HealthCounters.TemperatureKelvin <= controller.Features.UnderTemperatureKelvin;
        log.CriticalWarning = (byte)((isHot ? 1 << 1 : 0) | (media.IsFaulted ? 1 << 2 : 0));
        log.CompositeTemperatureKelvin = HealthCounters.TemperatureKelvin;
        log.AvailableSparePercent = 100;
        log.AvailableSpareThresholdPercent = 10;
        log.DataUnitsRead = HealthCounters.DataUnits(health.BytesRead);
        log.DataUnitsWritten = HealthCounters.DataUnits(health.BytesWritten);
        log.HostReadCommands = health.ReadCommands;
        log.HostWriteCommands = health.WriteCommands;
        log.PowerCycles = health.PowerCycles;
        log.PowerOnHours = health.PowerOnHours(now);
        log.UnsafeShutdowns = health.UnsafeShutdowns;
        log.MediaErrors = health.MediaErrors;
        log.ErrorLogEntries = controller.Errors.Count;
    }

    private static void WriteEffects(Span<uint> page, bool isManaged)
    {
        foreach (AdminOpcode opcode in (ReadOnlySpan<AdminOpcode>)[AdminOpcode.DeleteSubmissionQueue, AdminOpcode.CreateSubmissionQueue,
            AdminOpcode.GetLogPage, AdminOpcode.DeleteCompletionQueue, AdminOpcode.CreateCompletionQueue, AdminOpcode.Identify, AdminOpcode.Abort,
            AdminOpcode.SetFeatures, AdminOpcode.GetFeatures, AdminOpcode.AsynchronousEventRequest, AdminOpcode.KeepAlive])
        {
            page[(int)opcode] = LogPageLayout.EffectSupported;
        }

        const uint Inventory = LogPageLayout.EffectSupported | LogPageLayout.EffectNamespaceInventoryChange;
        if (isManaged)
        {
            page[(int)AdminOpcode.NamespaceManagement] = Inventory | LogPageLayout.EffectContentChange;
            page[(int)AdminOpcode.NamespaceAttachment] = Inventory;
        }

        page[(int)AdminOpcode.FormatNvm] =
            LogPageLayout.EffectSupported | LogPageLayout.EffectContentChange | LogPageLayout.EffectNamespaceCapabilityChange;

        Span<uint> io = page[(LogPageLayout.EffectsIoOffset / sizeof(uint))..];
        foreach (NvmOpcode opcode in (ReadOnlySpan<NvmOpcode>)[NvmOpcode.Flush, NvmOpcode.Read, NvmOpcode.Compare, NvmOpcode.Verify])
        {
            io[(int)opcode] = LogPageLayout.EffectSupported;
        }

        foreach (NvmOpcode opcode in (ReadOnlySpan<NvmOpcode>)[NvmOpcode.Write, NvmOpcode.WriteZeroes, NvmOpcode.DatasetManagement])
        {
            io[(int)opcode] = LogPageLayout.EffectSupported | LogPageLayout.EffectContentChange;
        }
    }
}
